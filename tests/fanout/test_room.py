"""A room without I/O: from what is heard, in whatever order, the log goes through once."""

from hypothesis import given
from hypothesis import strategies as st

from fanout.room import OVERHEAD, Entry, Room

LOG = 30
HEARD = st.lists(st.lists(st.integers(1, LOG), min_size=1, max_size=8), max_size=30)
"""Runs of offsets: single events, repeated and out of order, and pages."""
BOUNDS = st.integers(0, 10).map(lambda entries: entries * size())


def data(offset: int) -> bytes:
    return b"event %03d" % offset


def size() -> int:
    return Entry(1, data(1)).size


def opened(head: int = 0, *, ring: int = 1 << 20, early: int = 1 << 20) -> Room:
    room = Room("r", ring=ring, early=early)
    room.open("e", head)
    return room


def hear(room: Room, *offsets: int) -> list[int]:
    return [entry.offset for offset in offsets for entry in room.hear(offset, data(offset))]


@given(st.integers(0, LOG), HEARD, BOUNDS, BOUNDS)
def test_whatever_is_heard_the_log_goes_through_once_and_in_order(
    head: int, heard: list[list[int]], ring: int, early: int
) -> None:
    room = opened(head, ring=ring, early=early)
    through = [offset for run in heard for offset in hear(room, *run)]
    assert through == list(range(head + 1, room.head + 1))
    known = max((offset for run in heard for offset in run), default=0)
    assert room.missing == (room.head < max(known, head))
    assert hear(room, *range(room.head + 1, LOG + 1)) == list(range(len(through) + head + 1, LOG + 1))
    assert not room.missing


@given(HEARD, BOUNDS)
def test_after_an_offset_the_ring_has_everything_or_says_that_it_has_not(
    heard: list[list[int]], ring: int
) -> None:
    room = opened(ring=ring)
    for run in heard:
        hear(room, *run)
    for offset in range(room.head + 1):
        entries = room.after(offset)
        kept = min(room.head, ring // size())
        if room.head - offset > kept:
            assert entries is None
        else:
            assert entries is not None
            assert [(entry.offset, entry.data) for entry in entries] == [
                (missed, data(missed)) for missed in range(offset + 1, room.head + 1)
            ]


def test_nothing_follows_the_head_or_what_is_beyond_it() -> None:
    room = opened(5)
    assert room.after(5) == []
    assert room.after(7) == []


def test_events_heard_too_early_are_kept_within_their_bound() -> None:
    room = opened(early=2 * size())
    assert hear(room, 3, 4, 5) == []
    assert hear(room, 1, 2) == [1, 2, 3, 4]
    assert room.missing
    assert hear(room, 5) == [5]
    assert not room.missing


def test_the_log_can_know_of_more_than_was_heard() -> None:
    room = opened(5)
    room.learn(3)
    assert not room.missing
    room.learn(6)
    assert room.missing


def test_an_entry_is_framed_once_for_each_protocol() -> None:
    made: list[str] = []

    def encode(room: str, epoch: str, offset: int, data: bytes) -> bytes:
        made.append(room)
        return b"%d:" % offset + data

    entry = Entry(7, b"data")
    assert {entry.frame("native", encode, "r", "e") for _ in range(3)} == {b"7:data"}
    assert entry.frame("other", encode, "r", "e") == b"7:data"
    assert made == ["r", "r"]
    assert entry.size == 2 * 4 + OVERHEAD
