"""Schedules: the same seed gives the same faults, and never more at once than was said."""

from faults.schedule import LINE, PAUSED, PROCESS, Fault, Kind, Plan, schedule
from hypothesis import given
from hypothesis import strategies as st

TARGETS = {
    "fanout-1": PROCESS,
    "comments-1": PROCESS,
    "postgres": PROCESS,
    "nats-1": [*PROCESS, Kind.WIPE],
    "nats-2": [*PROCESS, Kind.WIPE],
    "nats-3": [*PROCESS, Kind.WIPE],
    "fanout-1 to nats": LINE,
    "tokens": [Kind.CLOCK],
}
NODES = frozenset({"nats-1", "nats-2", "nats-3"})
PLAN = Plan(TARGETS, groups=[NODES])

seeds = st.integers(0, 2**32)
plans = st.builds(
    Plan,
    st.sets(st.sampled_from(sorted(TARGETS)), min_size=1).map(lambda names: {n: TARGETS[n] for n in names}),
    pause=st.tuples(st.floats(0.01, 1), st.floats(1, 5)),
    together=st.integers(1, 5),
    groups=st.sampled_from([[], [NODES]]),
)


def lasting(faults: list[Fault], at: float) -> list[Fault]:
    return [fault for fault in faults if fault.at <= at < fault.ends]


@given(plans, seeds)
def test_the_same_seed_breaks_the_same(plan: Plan, seed: int) -> None:
    assert list(schedule(plan, seed, 60)) == list(schedule(plan, seed, 60))


@given(plans, seeds)
def test_a_shorter_run_is_the_beginning_of_a_longer_one(plan: Plan, seed: int) -> None:
    longer = list(schedule(plan, seed, 60))
    assert list(schedule(plan, seed, 20)) == [fault for fault in longer if fault.at < 20]


@given(plans, seeds)
def test_no_more_is_broken_at_once_than_may_be(plan: Plan, seed: int) -> None:
    faults = list(schedule(plan, seed, 60))
    for fault in faults:
        broken = lasting(faults, fault.at)
        groups = [plan.group(other.target) for other in broken]
        assert len(broken) <= plan.together
        assert len(groups) == len(set(groups))


@given(plans, seeds)
def test_every_fault_is_one_that_its_target_can_have(plan: Plan, seed: int) -> None:
    for fault in schedule(plan, seed, 60):
        assert fault.kind in plan.targets[fault.target]
        assert fault.there or fault.back
        assert fault.seconds == PAUSED or fault.kind is not Kind.PAUSE


def test_different_seeds_break_differently() -> None:
    assert len({tuple(schedule(PLAN, seed, 60)) for seed in range(20)}) == 20


def test_half_an_hour_has_hundreds_of_faults_of_every_kind() -> None:
    faults = list(schedule(PLAN, 1, 1800))
    assert len(faults) > 300
    assert {fault.kind for fault in faults} == set(Kind)
    assert {fault.target for fault in faults} == set(TARGETS)
