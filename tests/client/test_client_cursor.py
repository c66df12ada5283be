from hypothesis import given
from hypothesis import strategies as st

from parley.cursor import Cursor, Step, rejoin

cursors = st.builds(Cursor, st.text(max_size=8), st.integers(0, 100))


@given(st.lists(st.integers(1, 12)))
def test_only_events_that_follow_are_taken_whatever_arrives(offsets: list[int]) -> None:
    cursor, taken = Cursor("e", 0), []
    for offset in offsets:
        if cursor.step(offset) is Step.NEXT:
            cursor = cursor.at(offset)
            taken.append(offset)
    assert taken == list(range(1, len(taken) + 1))


@given(cursors, st.integers(1, 200))
def test_an_offset_is_the_next_or_a_repeat_or_beyond_a_hole(cursor: Cursor, offset: int) -> None:
    distance = offset - cursor.offset
    expected = Step.NEXT if distance == 1 else Step.REPEAT if distance < 1 else Step.HOLE
    assert cursor.step(offset) is expected


@given(cursors)
def test_a_first_subscription_starts_at_the_head(head: Cursor) -> None:
    assert rejoin(None, head, recovered=False) == (head, False)


@given(cursors, cursors)
def test_a_recovered_subscription_goes_on_where_it_was(since: Cursor, head: Cursor) -> None:
    assert rejoin(since, head, recovered=True) == (since, False)


@given(cursors, cursors)
def test_an_unrecovered_one_jumps_to_the_head_and_says_so(since: Cursor, head: Cursor) -> None:
    assert rejoin(since, head, recovered=False) == (head, True)
