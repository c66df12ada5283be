"""Ways to alter in one place what clients saw and were told."""

from faults.findings import Kind
from faults.histories import FAR
from faults.history import Left, Logged, Position, Seen, Subscribed
from faults.page import Altered, Page, at, on


def lose_an_event(page: Page) -> Altered:
    index, seen = page.pick(Seen, page.goes_on)
    _, noticed = next(page.after(index))
    del page.entries[index]
    hole = at(Kind.HOLE, seen, last=seen.offset, connection=noticed.connection)
    return Altered(page.entries, hole, frozenset({Kind.FALSE_RECOVERY}))


def lose_several_events(page: Page) -> Altered:
    def has_two_more(index: int, _entry: Seen) -> bool:
        following = page.next_seen(index)
        return following is not None and page.next_seen(following[0]) is not None

    index, seen = page.pick(Seen, has_two_more)
    following = page.next_seen(index)
    assert following is not None
    del page.entries[following[0]], page.entries[index]
    hole = at(Kind.HOLE, seen, last=following[1].offset)
    return Altered(page.entries, hole, frozenset({Kind.FALSE_RECOVERY}))


def lose_the_end(page: Page) -> Altered:
    """A client that is there sees nothing any more."""
    index, seen = page.pick(Seen, lambda index, each: _watches_to_the_end(page, index, each))
    gone = {later for later, _ in page.after(index)} | {index}
    entries = [each for later, each in enumerate(page.entries) if later not in gone]
    head = max(each.offset for each in page.entries if isinstance(each, Logged) and each.room == seen.room)
    return Altered(entries, at(Kind.BEHIND, seen, last=head))


def repeat_an_event(page: Page) -> Altered:
    index, seen = page.pick(Seen)
    later = index
    while (following := page.next_seen(later)) is not None and page.dice.random() < 0.5:
        later = following[0]
    page.entries.insert(later + 1, seen)
    return Altered(page.entries, at(Kind.REPEATED, seen))


def swap_two_events(page: Page) -> Altered:
    index, seen = page.pick(Seen, lambda index, _: page.next_seen(index) is not None)
    following = page.next_seen(index)
    assert following is not None
    page.entries[index], page.entries[following[0]] = following[1], seen
    return Altered(page.entries, at(Kind.REORDERED, seen), frozenset({Kind.FALSE_RECOVERY}))


def show_an_event_late(page: Page) -> Altered:
    """Several others come before it."""
    index, seen = page.pick(Seen, lambda index, _: page.next_seen(index) is not None)
    later = index
    while (following := page.next_seen(later)) is not None:
        later = following[0]
    page.entries.insert(later + 1, seen)
    del page.entries[index]
    return Altered(page.entries, at(Kind.REORDERED, seen), frozenset({Kind.FALSE_RECOVERY}))


def show_other_bytes(page: Page) -> Altered:
    index, seen = page.pick(Seen)
    page.entries[index] = seen._replace(digest="f" * 16)
    return Altered(page.entries, at(Kind.ALTERED, seen))


def show_an_event_that_was_not_committed(page: Page) -> Altered:
    """Another one has its offset in the log."""
    index, seen = page.pick(Seen)
    page.entries[index] = seen._replace(event="rolled-back")
    return Altered(page.entries, at(Kind.INVENTED, seen))


def show_an_event_beyond_the_log(page: Page) -> Altered:
    index, seen = page.pick(Seen)
    beyond = seen._replace(offset=FAR)
    page.entries.insert(index + 1, beyond)
    also = frozenset({Kind.HOLE, Kind.REORDERED})
    return Altered(page.entries, at(Kind.INVENTED, beyond), also)


def show_an_event_of_another_history(page: Page) -> Altered:
    index, seen = page.pick(Seen)
    page.entries[index] = seen._replace(epoch="another")
    return Altered(page.entries, at(Kind.MIXED, seen))


def show_an_event_on_another_connection(page: Page) -> Altered:
    index, seen = page.pick(Seen)
    stray = seen._replace(connection=seen.connection + 1000)
    page.entries.insert(index + 1, stray)
    return Altered(page.entries, at(Kind.UNASKED, stray))


def resume_without_the_first_event(page: Page) -> Altered:
    """It says that it goes on, and leaves something out."""

    def has_more(index: int, entry: Subscribed) -> bool:
        first = page.next_seen(index)
        return entry.recovered and first is not None and page.next_seen(first[0]) is not None

    index, _ = page.pick(Subscribed, has_more)
    first = page.next_seen(index)
    assert first is not None
    second = page.next_seen(first[0])
    assert second is not None
    del page.entries[first[0]]
    return Altered(page.entries, at(Kind.FALSE_RECOVERY, second[1]), frozenset({Kind.HOLE}))


def resume_with_an_event_too_many(page: Page) -> Altered:
    """It says that it goes on, and begins before that."""

    def has_seen(index: int, entry: Subscribed) -> bool:
        return entry.recovered and any(_precedes(each, entry) for each in page.entries[:index])

    index, entry = page.pick(Subscribed, has_seen)
    last = next(each for each in reversed(page.entries[:index]) if _precedes(each, entry))
    assert isinstance(last, Seen)
    again = last._replace(connection=entry.connection)
    page.entries.insert(index + 1, again)
    return Altered(page.entries, at(Kind.FALSE_RECOVERY, again), frozenset({Kind.REPEATED}))


def resume_another_history(page: Page) -> Altered:
    index, entry = page.pick(Subscribed, lambda _, each: each.recovered)
    assert entry.since is not None
    page.entries[index] = entry._replace(since=Position("another", entry.since.offset))
    return Altered(page.entries, on(Kind.FALSE_RECOVERY, entry, entry.since.offset))


def resume_beyond_the_log(page: Page) -> Altered:
    index, entry = page.pick(Subscribed, lambda _, each: each.recovered)
    assert entry.since is not None
    page.entries[index] = entry._replace(since=Position(entry.since.epoch, FAR))
    also = frozenset({Kind.REPEATED})  # if it was its first subscription
    return Altered(page.entries, on(Kind.FALSE_RECOVERY, entry, FAR), also)


def call_a_reset_recovered(page: Page) -> Altered:
    index, entry = page.pick(Subscribed, lambda _, each: not each.recovered and each.since is not None)
    assert entry.since is not None
    page.entries[index] = entry._replace(recovered=True)
    also = frozenset({Kind.HOLE, Kind.BEHIND})
    return Altered(page.entries, on(Kind.FALSE_RECOVERY, entry, entry.since.offset), also)


def reset_without_need(page: Page) -> Altered:
    index, entry = page.pick(Subscribed, lambda _, each: each.recovered)
    assert entry.since is not None
    page.entries[index] = entry._replace(recovered=False)
    also = frozenset({Kind.REPEATED})
    return Altered(page.entries, on(Kind.NEEDLESS_RESET, entry, entry.since.offset), also)


def subscribe_to_another_history(page: Page) -> Altered:
    logged = {each.room for each in page.entries if isinstance(each, Logged)}
    index, entry = page.pick(Subscribed, lambda _, each: each.room in logged)
    page.entries[index] = entry._replace(epoch="another")
    return Altered(page.entries, on(Kind.MIXED, entry, entry.offset))


def subscribe_beyond_the_log(page: Page) -> Altered:
    index, entry = page.pick(Subscribed, lambda _, each: each.recovered)
    page.entries[index] = entry._replace(offset=FAR)
    return Altered(page.entries, on(Kind.FALSE_POSITION, entry, FAR))


def _watches_to_the_end(page: Page, index: int, entry: Seen) -> bool:
    left = Left(entry.client, entry.room, 0.0)[:2]
    return all(not isinstance(each, Left) or each[:2] != left for each in page.entries) and all(
        isinstance(each, Seen) or each.recovered for _, each in page.after(index)
    )


def _precedes(each: object, entry: Subscribed) -> bool:
    """The last event that the client saw before it asked for what follows."""
    return (
        isinstance(each, Seen)
        and entry.since is not None
        and (each.client, each.room, each.offset) == (entry.client, entry.room, entry.since.offset)
    )


ALTERATIONS = (
    lose_an_event,
    lose_several_events,
    lose_the_end,
    repeat_an_event,
    swap_two_events,
    show_an_event_late,
    show_other_bytes,
    show_an_event_that_was_not_committed,
    show_an_event_beyond_the_log,
    show_an_event_of_another_history,
    show_an_event_on_another_connection,
    resume_without_the_first_event,
    resume_with_an_event_too_many,
    resume_another_history,
    resume_beyond_the_log,
    call_a_reset_recovered,
    reset_without_need,
    subscribe_to_another_history,
    subscribe_beyond_the_log,
)
