"""The algebra of watermarks: whatever order, repeats and batches acknowledgements come in."""

import functools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from comments.watermarks import SENT, STEPS, Acknowledged, Audience, Mark, Moves, Reached, Receipts, steps
from events.receipts import Receipt

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(second: int) -> datetime:
    return START + timedelta(seconds=second)


def said(delivered: int, read: int, second: int) -> Acknowledged:
    return Acknowledged.of(Receipt(user="u1", delivered=delivered, read=read), at(second))


ACKNOWLEDGED = st.builds(said, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))


def merged(acknowledged: list[Acknowledged]) -> Acknowledged:
    return functools.reduce(Acknowledged.merge, acknowledged)


@given(ACKNOWLEDGED, ACKNOWLEDGED, ACKNOWLEDGED)
def test_merging_is_a_semilattice(a: Acknowledged, b: Acknowledged, c: Acknowledged) -> None:
    assert a.merge(a) == a
    assert a.merge(b) == b.merge(a)
    assert a.merge(b).merge(c) == a.merge(b.merge(c))


@given(st.data(), st.lists(ACKNOWLEDGED, min_size=1, max_size=8))
def test_order_repeats_and_batches_do_not_matter(data: st.DataObject, all_: list[Acknowledged]) -> None:
    repeated = data.draw(st.permutations(all_ + data.draw(st.lists(st.sampled_from(all_), max_size=5))))
    cut = data.draw(st.integers(1, len(repeated)))
    batches = [merged(repeated[:cut]), *([merged(repeated[cut:])] if repeated[cut:] else [])]
    assert merged(batches) == merged(all_)


@given(ACKNOWLEDGED, ACKNOWLEDGED)
def test_watermarks_only_grow_and_what_is_read_was_delivered(a: Acknowledged, b: Acknowledged) -> None:
    both = a.merge(b)
    for watermark in ("delivered", "read"):
        offset = getattr(both, watermark).offset
        assert offset == max(getattr(a, watermark).offset, getattr(b, watermark).offset)
    for one in (a, b, both):
        assert one.read.offset <= one.delivered.offset


def test_of_two_at_one_offset_the_earlier_one_says_when() -> None:
    assert Mark(5, at(1)).merge(Mark(5, at(2))) == Mark(5, at(1))
    assert Mark(5, at(3)).merge(Mark(4, at(2))) == Mark(5, at(3))


def reached(user: str, delivered: list[tuple[int, int]], read: list[tuple[int, int]]) -> Reached:
    """Moves as offset and second, the newest last."""
    return Reached(user, moves(delivered), moves(read))


def moves(of: list[tuple[int, int]]) -> Moves:
    return Moves([offset for offset, _ in of], [at(second) for _, second in of])


ANNE = reached("anne", [(1, 0), (5, 10), (8, 20)], [(1, 0), (5, 15)])
BEN = reached("ben", [(2, 1), (6, 12)], [(2, 1)])


def test_a_message_came_with_the_earliest_move_that_reached_it() -> None:
    assert [(ANNE.delivered_at(offset), ANNE.read_at(offset)) for offset in (1, 3, 5, 6, 8, 9)] == [
        (at(0), at(0)),
        (at(10), at(15)),
        (at(10), at(15)),
        (at(20), None),
        (at(20), None),
        (None, None),
    ]


def test_it_was_delivered_when_it_was_read_even_if_only_later_deliveries_are_kept() -> None:
    assert reached("u", [(99, 50)], [(4, 3), (99, 60)]).delivered_at(4) == at(3)


def test_the_last_of_the_others_decides() -> None:
    audience = Audience([ANNE, BEN, reached("carl", [(1, 0)], [(1, 0)])])
    assert audience.receipts("x", 1, at(0)) == Receipts("READ", at(1), at(1))
    assert audience.receipts("x", 5, at(0)) == SENT
    assert audience.receipts("carl", 5, at(0)) == Receipts("DELIVERED", at(12), None)
    assert audience.receipts("carl", 6, at(0)) == Receipts("DELIVERED", at(20), None)
    assert audience.receipts("carl", 2, at(0)) == Receipts("READ", at(10), at(15))
    assert audience.receipts("carl", 7, at(0)) == SENT


def test_a_comment_is_sent_while_nobody_else_is_there() -> None:
    assert Audience([]).receipts("anne", 1, at(0)) == SENT
    assert Audience([ANNE]).receipts("anne", 1, at(0)) == SENT


def test_a_newcomer_does_not_count_for_what_was_said_before_they_came() -> None:
    newcomer = replace(reached("new", [(6, 9)], [(6, 9)]), newcomer=True)
    assert Audience([newcomer]).receipts("x", 6, at(0)) == SENT
    assert Audience([newcomer, ANNE]).receipts("x", 5, at(0)) == Audience([ANNE]).receipts("x", 5, at(0))
    assert Audience([newcomer, ANNE]).receipts("x", 7, at(0)) == SENT, "what is said since is waited for"
    since = Audience([replace(newcomer, newcomer=False)])
    assert since.receipts("x", 6, at(0)) == Receipts("READ", at(9), at(9)), "they have read something since"


def test_no_clock_says_that_it_was_read_before_it_was_posted_or_delivered() -> None:
    assert Audience([ANNE]).receipts("x", 5, at(12)) == Receipts("READ", at(12), at(15))
    early = reached("u", [(1, 0), (5, 9)], [(5, 3)])
    assert Audience([early]).receipts("x", 5, at(1)) == Receipts("READ", at(3), at(3))


def test_in_a_large_room_there_is_a_status_and_no_time() -> None:
    assert Audience([ANNE, BEN], timed=False).receipts("x", 2, at(0)) == Receipts("READ")
    assert Audience([ANNE, BEN], timed=False).receipts("x", 6, at(0)) == Receipts("DELIVERED")


MEMBERS = st.lists(
    st.tuples(
        st.tuples(st.integers(0, 9), st.integers(0, 9)).map(lambda both: sorted(both, reverse=True)),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@given(MEMBERS, st.integers(0, 5), st.integers(1, 9))
def test_two_of_each_kind_tell_the_status_for_every_author(
    members: list[tuple[list[int], bool]], author: int, offset: int
) -> None:
    """That is what is read of a large room."""
    all_ = [
        replace(reached(f"u{n}", [(delivered, 0)], [(read, 0)]), newcomer=newcomer)
        for n, ((delivered, read), newcomer) in enumerate(members)
    ]
    read = sorted(all_, key=lambda member: member.read.offsets[-1])
    last = [
        *sorted(all_, key=lambda member: member.delivered.offsets[-1])[:2],
        *read[:2],
        *[member for member in all_ if not member.newcomer][:2],
        *[member for member in read if member.newcomer][:2],
    ]
    asked = (f"u{author}", offset, at(0))
    assert Audience(last, timed=False).receipts(*asked) == Audience(all_, timed=False).receipts(*asked)


@given(st.lists(st.integers(0, 30), max_size=60))
def test_steps_say_how_many_are_there_or_further(watermarks: list[int]) -> None:
    at_each = [(offset, watermarks.count(offset)) for offset in set(watermarks)]
    lowest = min(watermarks, default=None)
    found = steps(at_each, lowest if lowest is None else (lowest, len(watermarks)))
    offsets = sorted(set(watermarks), reverse=True)
    assert [offset for offset, _ in found] == offsets[:STEPS] + offsets[STEPS:][-1:]
    assert all(count == sum(each >= offset for each in watermarks) for offset, count in found)
