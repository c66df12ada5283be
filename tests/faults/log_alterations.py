"""Ways to alter in one place what posters were told, the log, or the stream."""

from collections.abc import Sequence
from itertools import pairwise

from faults.findings import Finding, Kind
from faults.history import Acknowledged, Logged, Streamed
from faults.page import Altered, NowhereToAlter, Page

MISSING = frozenset({Kind.GAP, Kind.INVENTED, Kind.STREAMED_ALONE, Kind.UNSTREAMED})
"""What it looks like when the log lacks what others have."""


def acknowledge_what_was_never_logged(page: Page) -> Altered:
    index, told = page.pick(Acknowledged)
    page.entries.insert(index, told._replace(key="never"))
    return Altered(page.entries, Finding(Kind.LOST, told.room, told.offset, key="never"))


def lose_an_acknowledged_comment(page: Page) -> Altered:
    """Others come after it in the log."""
    acknowledged = {each.key for each in page.entries if isinstance(each, Acknowledged)}
    index, lost = page.pick(Logged, lambda index, each: each.key in acknowledged and _followed(page, index))
    del page.entries[index]
    return Altered(page.entries, Finding(Kind.LOST, lost.room, lost.offset, key=lost.key), MISSING)


def log_a_comment_again(page: Page) -> Altered:
    first_of = {each.room: each for each in reversed(page.entries) if isinstance(each, Logged) and each.key}
    index, event = page.pick(
        Logged,
        lambda _, each: each.key is None and each.room in first_of and _later(each, first_of[each.room]),
    )
    key = first_of[event.room].key
    page.entries[index] = event._replace(key=key)
    return Altered(page.entries, Finding(Kind.DOUBLED, event.room, event.offset, key=key))


def acknowledge_another_offset(page: Page) -> Altered:
    index, told = page.pick(Acknowledged, lambda index, each: not _told_before(page, index, each))
    page.entries[index] = told._replace(offset=told.offset + 1)
    moved = Finding(Kind.MOVED, told.room, told.offset + 1, key=told.key)
    return Altered(page.entries, moved, frozenset({Kind.CONTRADICTED}))


def acknowledge_another_comment(page: Page) -> Altered:
    index, told = page.pick(Acknowledged, lambda index, each: not _told_before(page, index, each))
    page.entries[index] = told._replace(comment="another")
    moved = Finding(Kind.MOVED, told.room, told.offset, key=told.key)
    return Altered(page.entries, moved, frozenset({Kind.CONTRADICTED}))


def acknowledge_again_with_another_offset(page: Page) -> Altered:
    index, told = page.pick(Acknowledged, lambda index, each: _told_before(page, index, each))
    page.entries[index] = told._replace(offset=told.offset + 1)
    return Altered(page.entries, Finding(Kind.CONTRADICTED, told.room, told.offset + 1, key=told.key))


def leave_an_offset_out_of_the_log(page: Page) -> Altered:
    index, event = page.pick(Logged, lambda index, _: _followed(page, index))
    del page.entries[index]
    gap = Finding(Kind.GAP, event.room, event.offset, event.offset)
    return Altered(page.entries, gap, MISSING | {Kind.LOST})


def log_two_events_in_the_wrong_order(page: Page) -> Altered:
    index, event = page.pick(Logged, lambda index, _: _followed(page, index))
    page.entries[index : index + 2] = page.entries[index + 1], event
    return Altered(page.entries, Finding(Kind.GAP, event.room, event.offset))


def log_an_event_under_another_epoch(page: Page) -> Altered:
    index, event = page.pick(Logged, lambda index, _: _followed(page, index))
    page.entries[index] = event._replace(epoch="another")
    mixed = Finding(Kind.MIXED, event.room, event.offset)
    return Altered(page.entries, mixed, frozenset({Kind.STREAMED_ALONE, Kind.UNSTREAMED}))


def leave_an_event_out_of_the_stream(page: Page) -> Altered:
    index, message, following = _neighbours(page)
    del page.entries[index]
    sequence = following[1].sequence
    return Altered(page.entries, _in_stream(Kind.UNSTREAMED, message, sequence, last=message.offset))


def leave_the_newest_event_out_of_the_stream(page: Page) -> Altered:
    newest = {each.room: each for each in page.entries if isinstance(each, Streamed)}
    index, message = page.pick(Streamed, lambda _, each: newest[each.room] is each)
    del page.entries[index]
    return Altered(page.entries, _in_stream(Kind.UNSTREAMED, message, None, last=message.offset))


def publish_an_event_again(page: Page) -> Altered:
    _, message = page.pick(Streamed)
    again = message._replace(sequence=1_000_000)
    page.entries.append(again)
    return Altered(page.entries, _in_stream(Kind.STREAMED_TWICE, again, again.sequence))


def publish_two_events_in_the_wrong_order(page: Page) -> Altered:
    index, message, (later, following) = _neighbours(page)
    page.entries[index] = following._replace(sequence=message.sequence)
    page.entries[later] = message._replace(sequence=following.sequence)
    return Altered(page.entries, _in_stream(Kind.STREAMED_LATE, message, following.sequence))


def publish_what_was_not_committed(page: Page) -> Altered:
    index, message = page.pick(Streamed)
    page.entries[index] = message._replace(event="rolled-back")
    alone = _in_stream(Kind.STREAMED_ALONE, message, message.sequence)
    return Altered(page.entries, alone, frozenset({Kind.UNSTREAMED}))


def _followed(page: Page, index: int) -> bool:
    """The room's log goes on after it."""
    here, following = page.entries[index], page.entries[index + 1]
    return isinstance(here, Logged) and isinstance(following, Logged) and here.room == following.room


def _later(event: Logged, first: Logged) -> bool:
    return event.offset > first.offset


def _told_before(page: Page, index: int, told: Acknowledged) -> bool:
    return any(isinstance(each, Acknowledged) and each.key == told.key for each in page.entries[:index])


def _neighbours(page: Page) -> tuple[int, Streamed, tuple[int, Streamed]]:
    """Two messages of one room that follow each other there."""
    rooms: dict[str, list[tuple[int, Streamed]]] = {}
    for index, each in enumerate(page.entries):
        if isinstance(each, Streamed):
            rooms.setdefault(each.room, []).append((index, each))
    pairs: Sequence[tuple[tuple[int, Streamed], tuple[int, Streamed]]]
    pairs = [pair for messages in rooms.values() for pair in pairwise(messages)]
    if not pairs:
        raise NowhereToAlter
    (index, message), following = page.dice.choice(pairs)
    return index, message, following


def _in_stream(kind: Kind, message: Streamed, sequence: int | None, *, last: int | None = None) -> Finding:
    return Finding(kind, message.room, message.offset, last, sequence=sequence)


ALTERATIONS = (
    acknowledge_what_was_never_logged,
    lose_an_acknowledged_comment,
    log_a_comment_again,
    acknowledge_another_offset,
    acknowledge_another_comment,
    acknowledge_again_with_another_offset,
    leave_an_offset_out_of_the_log,
    log_two_events_in_the_wrong_order,
    log_an_event_under_another_epoch,
    leave_an_event_out_of_the_stream,
    leave_the_newest_event_out_of_the_stream,
    publish_an_event_again,
    publish_two_events_in_the_wrong_order,
    publish_what_was_not_committed,
)
