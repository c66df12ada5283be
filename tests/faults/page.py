"""A history open for one alteration, and what has to be found afterwards."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from faults.findings import Finding, Kind
from faults.history import Acknowledged, Entry, Logged, Seen, Streamed, Subscribed

E = TypeVar("E", Acknowledged, Logged, Seen, Streamed, Subscribed)


@dataclass(frozen=True)
class Altered:
    entries: Sequence[Entry]
    expected: Finding
    """Without its detail."""
    also: frozenset[Kind] = frozenset()
    """What the same alteration may be as well."""


class NowhereToAlter(Exception):
    """The history has nothing of the kind."""


class Page:
    """A history open for one alteration."""

    def __init__(self, entries: Sequence[Entry], dice: random.Random) -> None:
        self.entries = list(entries)
        self.dice = dice

    def pick(
        self, kind: type[E], fits: Callable[[int, E], bool] = lambda _index, _entry: True
    ) -> tuple[int, E]:
        """One that fits, and where it is. Raise `NowhereToAlter`."""
        found = [
            (index, each)
            for index, each in enumerate(self.entries)
            if isinstance(each, kind) and fits(index, each)
        ]
        if not found:
            raise NowhereToAlter
        return self.dice.choice(found)

    def after(self, index: int) -> Iterator[tuple[int, Seen | Subscribed]]:
        """What the same client was told of the same room after that entry."""
        here = self.entries[index]
        assert isinstance(here, Seen | Subscribed)
        for later, each in enumerate(self.entries[index + 1 :], start=index + 1):
            if isinstance(each, Seen | Subscribed) and (each.client, each.room) == (here.client, here.room):
                yield later, each

    def next_seen(self, index: int) -> tuple[int, Seen] | None:
        """What follows on the same connection, if that is an event."""
        later, each = next(self.after(index), (0, None))
        return (later, each) if isinstance(each, Seen) else None

    def goes_on(self, index: int, _entry: object) -> bool:
        """The client builds on what it was told there: an event follows, or it resumes from there."""
        _, each = next(self.after(index), (0, None))
        return isinstance(each, Seen) or (isinstance(each, Subscribed) and each.recovered)


def at(kind: Kind, entry: Seen, *, last: int | None = None, connection: int | None = None) -> Finding:
    place = entry.connection if connection is None else connection
    return Finding(kind, entry.room, entry.offset, last, client=entry.client, connection=place)


def on(kind: Kind, entry: Subscribed, offset: int) -> Finding:
    return Finding(kind, entry.room, offset, client=entry.client, connection=entry.connection)
