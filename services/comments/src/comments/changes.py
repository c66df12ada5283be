"""Tells, after each commit, which rooms were written to: what is unread there is another number now.

While NATS takes nothing it waits, by room. What a process that was killed did not tell, the one tells that
reads its events from the outbox. A change may be told twice.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping

from chassis.outages import RETRY_SECONDS, Outages
from events import CommentPosted, Event, MemberJoined, MemberLeft, StreamError, Wire, subjects
from events.receipts import Change, Changes

ROOMS = 10_000
"""Rooms that wait to be told of; beyond, while NATS takes nothing, no room is added."""

USERS = 500
"""In one change: of those with the longest ids, half a message."""

MESSAGE_BYTES = 512 * 1024
"""Half of what NATS takes in a message by default."""

log = logging.getLogger(__name__)

Waiting = Mapping[str, tuple[int, Iterable[str]]]
"""By room: its head, and the users whose membership may be another."""


class Changed:
    """The rooms of one app."""

    def __init__(self, wire: Wire, app: str) -> None:
        self._wire = wire
        self._subject = subjects.changed(app)
        self.waiting: dict[str, tuple[int, dict[str, None]]] = {}
        """By room: its head, and the users, in the order in which they came."""
        self._some = asyncio.Event()
        self._outages = Outages("who counts the unread", log)

    def add(self, happened: Iterable[Event]) -> None:
        """Told in a moment, together with what else happens until then."""
        for event in happened:
            if event.room not in self.waiting and len(self.waiting) >= ROOMS:
                continue
            head, users = self.waiting.get(event.room, (0, {}))
            if (user := _user(event)) is not None:
                users[user] = None
            self.waiting[event.room] = max(head, event.offset), users
        if self.waiting:
            self._some.set()

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            await self._some.wait()
            self._some.clear()
            waiting, self.waiting = self.waiting, {}
            try:
                for message in messages(waiting):
                    await self._wire.send(self._subject, message)
            except StreamError as error:
                self._outages.began("NATS", str(error))
                self._keep(waiting)
                await asyncio.sleep(RETRY_SECONDS)
                self._some.set()
            else:
                self._outages.ended("NATS")

    def _keep(self, waiting: Mapping[str, tuple[int, dict[str, None]]]) -> None:
        """What could not be told, together with what happened meanwhile."""
        newer, self.waiting = self.waiting, dict(waiting)
        for room, (head, users) in newer.items():
            if room in self.waiting or len(self.waiting) < ROOMS:
                before, known = self.waiting.get(room, (0, {}))
                self.waiting[room] = max(before, head), {**known, **users}


def messages(waiting: Waiting) -> Iterator[bytes]:
    """Each short enough for NATS."""
    some: list[Change] = []
    size = 0
    for change in _changes(waiting):
        length = len(change.encode()) + 1
        if some and size + length > MESSAGE_BYTES - 100:
            yield Changes(changes=some).encode()
            some, size = [], 0
        some.append(change)
        size += length
    if some:
        yield Changes(changes=some).encode()


def _changes(waiting: Waiting) -> Iterator[Change]:
    for room, (head, users) in waiting.items():
        listed = list(users)
        for start in range(0, max(1, len(listed)), USERS):
            yield Change(room=room, head=head, users=listed[start : start + USERS])


def _user(event: Event) -> str | None:
    match event:
        case CommentPosted():
            return event.actor
        case MemberJoined() | MemberLeft():
            return event.user
        case _:
            return None
