"""What was decided of many comments, said in few rows."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from notifier.model import Reason
from notifier.rules import ranges

REASONS = st.lists(st.tuples(st.integers(1, 3), st.sampled_from([Reason.READ, Reason.HERE, Reason.MUTED])))


@given(REASONS)
def test_ranges_say_of_each_offset_what_was_decided_and_nothing_of_others(
    steps: list[tuple[int, Reason]],
) -> None:
    offsets = itertools.accumulate(step for step, _ in steps)
    decisions = [(offset, reason) for offset, (_, reason) in zip(offsets, steps, strict=True)]
    found = ranges(decisions)
    assert [(at, reason) for first, last, reason in found for at in range(first, last + 1)] == decisions
    for (_, last, before), (first, _, after) in itertools.pairwise(found):
        assert first > last + 1 or before is not after
