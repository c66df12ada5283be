"""What is broken when: a sequence of faults that follows from a seed alone."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    KILL = "kill -9"
    PAUSE = "SIGSTOP"
    RESTART = "restart"
    WIPE = "delete JetStream of"
    RESET = "cut (RST)"
    FINISH = "cut (FIN)"
    BLACKHOLE = "blackhole"
    SLOW = "slow down"
    CLOCK = "step the clock of"


PROCESS = (Kind.KILL, Kind.PAUSE, Kind.RESTART)
LINE = (Kind.RESET, Kind.FINISH, Kind.BLACKHOLE, Kind.SLOW)

PAUSED = 5.0
"""Seconds of a SIGSTOP: longer than every timeout of ours but the longest, shorter than a keepalive."""


class Fault(NamedTuple):
    at: float
    """Seconds since the beginning; it waits if its target is still broken then."""
    kind: Kind
    target: str
    seconds: float
    """For which it lasts: how long a process is down, a line bad, a clock wrong."""
    there: bool
    """Lines: whether what clients send is affected."""
    back: bool
    """Lines: whether what they are sent is. A line is affected in one direction or both."""
    delay: float
    """Lines that are slowed: seconds for each piece."""
    rate: float
    """The same: bytes per second of each connection."""
    skew: float
    """Clocks: seconds by which the clients' token source is wrong."""

    @property
    def ends(self) -> float:
        return self.at + self.seconds


@dataclass(frozen=True)
class Plan:
    """What may be broken, and how densely."""

    targets: Mapping[str, Sequence[Kind]]
    """By name, what may happen to it."""
    pause: tuple[float, float] = (1.0, 5.0)
    """Seconds from one fault to the next, at least and at most."""
    together: int = 3
    """How many may last at once."""
    groups: Sequence[frozenset[str]] = ()
    """Targets of which one at a time is broken: of three NATS servers two must agree."""

    def group(self, target: str) -> str:
        """A name that all have in common which may not be broken together."""
        found = next((group for group in self.groups if target in group), frozenset({target}))
        return min(found)


def schedule(plan: Plan, seed: int, seconds: float) -> Iterator[Fault]:
    """Faults that begin within so many seconds, in order. The same arguments give the same faults.

    A target is broken in one way at a time; at most `plan.together` are broken at once. Beyond that
    anything may be away, also all of a kind: with both comments dead posts wait, with Postgres too.
    """
    chance = random.Random(seed)
    choices = [(target, kind) for target, kinds in sorted(plan.targets.items()) for kind in kinds]
    lasting: list[Fault] = []
    at = chance.uniform(*plan.pause)
    while at < seconds:
        lasting = [fault for fault in lasting if fault.ends > at]
        if len(lasting) >= plan.together:
            at = min(fault.ends for fault in lasting)
            continue
        broken = {plan.group(fault.target) for fault in lasting}
        free = [choice for choice in choices if plan.group(choice[0]) not in broken]
        if free:
            target, kind = _choose(chance, free)
            lasting.append(_fault(chance, at, kind, target))
            yield lasting[-1]
        at += chance.uniform(*plan.pause)


def _choose(chance: random.Random, free: Sequence[tuple[str, Kind]]) -> tuple[str, Kind]:
    """Every kind is as likely as any other, however many targets it has."""
    kind = chance.choice(sorted({kind for _, kind in free}))
    return chance.choice([choice for choice in free if choice[1] is kind])


def _fault(chance: random.Random, at: float, kind: Kind, target: str) -> Fault:
    there, back = chance.choice([(True, True), (True, False), (False, True)])
    return Fault(
        at,
        kind,
        target,
        round(_duration(chance, kind), 3),
        there,
        back,
        delay=round(chance.uniform(0.02, 0.5), 3),
        rate=round(chance.uniform(5_000, 100_000)),
        skew=chance.choice([-7_200.0, -3_595.0, 30.0, 7_200.0]),
    )


def _duration(chance: random.Random, kind: Kind) -> float:
    match kind:
        case Kind.PAUSE:
            return PAUSED
        case Kind.RESTART | Kind.RESET | Kind.FINISH:
            return 0.0
        case Kind.BLACKHOLE:
            return chance.uniform(1.0, 12.0)  # a connect times out after 2 to 10 s
        case _:
            return chance.uniform(0.0, 5.0)
