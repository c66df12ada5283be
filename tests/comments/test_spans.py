"""A set of offsets that takes little, however many there are."""

from hypothesis import given
from hypothesis import strategies as st

from comments.spans import Spans

OFFSETS = st.lists(st.integers(1, 40), max_size=60)


@given(OFFSETS, st.integers(0, 50))
def test_it_is_a_set(offsets: list[int], head: int) -> None:
    spans, known = Spans(), set[int]()
    for offset in offsets:
        assert spans.add(offset) == (offset not in known)
        known.add(offset)
    assert spans.last == max(known, default=0)
    assert flat(spans.stretches()) == sorted(known)
    assert flat(spans.missing(head)) == [each for each in range(1, head + 1) if each not in known]


@given(st.permutations(range(1, 30)))
def test_without_a_gap_it_is_one_stretch(offsets: list[int]) -> None:
    spans = Spans()
    for offset in offsets:
        spans.add(offset)
    assert spans.stretches() == [(1, 29)]


def flat(stretches: list[tuple[int, int]]) -> list[int]:
    return [offset for first, last in stretches for offset in range(first, last + 1)]
