"""Counts of large rooms are told now and then, and the last state always."""

from hypothesis import given
from hypothesis import strategies as st

from comments.paces import PAUSE_SECONDS, Paces


def test_a_room_pauses_for_longer_the_larger_it_is() -> None:
    paces = Paces()
    paces.told({1: 200, 2: 4000}, 0.0)
    assert [paces.may(1, 0.2), paces.may(2, 0.9)] == [False, False]
    assert [paces.may(1, 0.25), paces.may(2, 1.0)] == [True, True]
    assert paces.may(3, 0.0), "nothing was told of it"
    assert (paces.members(2), paces.members(3)) == (4000, None)


def test_what_moved_during_a_pause_is_owed_after_it() -> None:
    paces = Paces()
    paces.told({1: 200, 2: 200}, 0.0)
    assert not paces.may(1, 0.1)
    assert paces.next() == PAUSE_SECONDS
    assert paces.owed(0.2) == []
    assert paces.owed(0.25) == [1]
    assert paces.next() is None, "nothing moved in the other"


def test_what_cannot_be_counted_stays_owed() -> None:
    paces = Paces()
    paces.told({1: 200}, 0.0)
    paces.owe([1], 0.3)
    assert (paces.owed(0.5), paces.members(1)) == ([], 200)
    assert paces.owed(0.6) == [1]


@given(st.lists(st.tuples(st.floats(0, 2), st.booleans())), st.integers(101, 3000))
def test_the_last_move_is_told_and_never_too_often(steps: list[tuple[float, bool]], members: int) -> None:
    """Time passes; then something moves, or what is owed is looked at."""
    paces, now, moved = Paces(), 0.0, False
    told = [float("-inf")]

    def tell() -> None:
        assert now - told[-1] >= PAUSE_SECONDS
        told.append(now)
        paces.told({1: members}, now)

    for passed, moves in steps:
        now += passed
        if moves:
            moved = not paces.may(1, now)
            if not moved:
                tell()
        elif paces.owed(now):
            tell()
            moved = False
    assert (paces.next() is not None) or not moved
    assert paces.owed(now + 1000) == ([1] if moved else [])
