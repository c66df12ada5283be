"""A sequence of offsets, held against 1, 2, 3 …"""

from faults.order import Hole, Order, Step
from hypothesis import given
from hypothesis import strategies as st


def step(offset: int, after: int, taken: list[int]) -> Step:
    """What taking it means when these were taken before."""
    last = max([after, *taken])
    if offset > last:
        return "next" if offset == last + 1 else "early"
    return "again" if offset <= after or offset in taken else "late"


@given(st.integers(0, 3), st.lists(st.integers(1, 12), max_size=20))
def test_each_offset_is_told_apart_and_what_is_missing_is_known(after: int, offsets: list[int]) -> None:
    order, taken = Order(after), list[int]()
    for offset in offsets:
        assert order.take(offset, 1) == step(offset, after, taken)
        taken.append(offset)
    missing = {offset for hole in order.holes for offset in range(hole.first, hole.last + 1)}
    assert missing == set(range(after + 1, order.last + 1)) - set(taken)
    assert order.last == max([after, *taken])


def test_a_hole_keeps_the_place_where_it_was_noticed() -> None:
    order = Order(0)
    order.take(5, 7)
    order.take(3, 8)
    assert order.holes == [Hole(1, 2, 7), Hole(4, 4, 7)]


def test_what_was_there_is_not_skipped() -> None:
    order = Order(5)
    order.skip(4, 1)
    assert (order.last, order.holes) == (5, [])
