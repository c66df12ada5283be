"""One client in one room, told things that no sound server says."""

from faults.checker import judge
from faults.findings import Finding, Kind
from faults.history import Ended, Entry, Logged, Position, Seen, Streamed, Subscribed

LOG = [Logged("lobby", "e", offset, f"e{offset}", "d", None, None) for offset in range(1, 6)]
REST: list[Entry] = [
    *LOG,
    *(Streamed(each.room, each.epoch, each.offset, each.event, each.offset) for each in LOG),
    Ended(True, 99),
]


def subscribed(connection: int, offset: int, since: int | None = None, *, recovered: bool = False) -> Entry:
    position = None if since is None else Position("e", since)
    return Subscribed("c", connection, "lobby", "native", position, "e", offset, recovered, 1)


def seen(connection: int, *offsets: int) -> list[Entry]:
    return [Seen("c", connection, "lobby", "e", offset, f"e{offset}", "d", 2) for offset in offsets]


def found(*entries: Entry) -> list[tuple[Kind, int | None, int | None]]:
    """What is wrong with it, at which offset, on which connection."""
    return [(each.kind, each.offset, each.connection) for each in judge([*entries, *REST]).findings]


def test_an_event_without_any_subscription_is_found() -> None:
    assert found(*seen(1, 1)) == [(Kind.UNASKED, 1, 1)]


def test_an_event_on_a_connection_that_was_left_is_found_and_does_not_count() -> None:
    entries = [subscribed(1, 3), *seen(1, 4), subscribed(2, 5, 4, recovered=True), *seen(1, 5), *seen(2, 5)]
    assert found(*entries) == [(Kind.UNASKED, 5, 1)]


def test_a_hole_before_a_fresh_start_is_found() -> None:
    assert found(subscribed(1, 1), *seen(1, 3), subscribed(2, 5)) == [(Kind.HOLE, 2, 1)]


def test_a_fresh_start_needs_nothing_before_it() -> None:
    assert found(subscribed(1, 0), *seen(1, 1), subscribed(2, 4), *seen(2, 5)) == []


def test_a_resume_after_what_was_never_seen_leaves_a_hole() -> None:
    entries = [subscribed(1, 1), *seen(1, 2), subscribed(2, 5, 4, recovered=True), *seen(2, 5)]
    assert found(*entries) == [(Kind.HOLE, 3, 2)]


def test_a_resume_that_contradicts_itself_is_false() -> None:
    entries = [subscribed(1, 5), subscribed(2, 4, 5, recovered=True)]
    assert found(*entries) == [(Kind.FALSE_RECOVERY, 5, 2)]


def test_a_resume_beyond_the_log_is_false_though_the_answer_is_beyond_it_too() -> None:
    entries = [subscribed(1, 5), subscribed(2, 8, 7, recovered=True)]
    assert found(*entries) == [(Kind.FALSE_POSITION, 8, 2), (Kind.FALSE_RECOVERY, 7, 2)]


def test_a_reset_at_the_very_end_of_the_log_is_needless() -> None:
    entries = [subscribed(1, 5), subscribed(2, 5, 5)]
    assert found(*entries) == [(Kind.NEEDLESS_RESET, 5, 2)]


def test_a_reset_just_beyond_the_log_is_not() -> None:
    assert found(subscribed(1, 5, 6)) == []


def test_a_needless_reset_in_a_room_without_events_is_found() -> None:
    entry = Subscribed("c", 1, "empty", "sse", Position("e", 0), "e", 0, False, 1)
    assert judge([entry, *REST]).findings == [
        Finding(Kind.NEEDLESS_RESET, "empty", 0, client="c", connection=1, detail="the log ends at 0")
    ]
