"""The socket's end of a subscription: one room's frames, turned into each event once, in order."""

import asyncio

from parley.cursor import Cursor, Step, rejoin
from parley.errors import ProtocolError
from parley.events import Event, Resync
from parley.inbox import Inbox
from parley.protocol import Subscribed


class Feed:
    """Drops repeats, notices holes, and holds at most `limit` events until they are read."""

    def __init__(self, room: str, since: Cursor | None, limit: int) -> None:
        self.room = room
        self.cursor = since
        """The last event received; what a new connection asks to resume after."""
        self.start = since
        """Where the first answer put the subscription."""
        self.recovered: bool | None = None
        self.awaited: int | None = None
        """The id of the `subscribe` not answered yet: until its answer, events belong to an older one."""
        self.refusals = 0
        """How often in a row the server could not serve the room for now."""
        self.inbox: Inbox[tuple[Cursor, Event | Resync]] = Inbox(limit)
        self._settled = asyncio.Event()
        self._error: Exception | None = None
        self._hole: Cursor | None = None

    async def ready(self) -> None:
        """Wait for the server's first answer; raise the error if it is a refusal."""
        await self._settled.wait()
        if self._error is not None:
            raise self._error

    async def subscribed(self, answer: Subscribed) -> None:
        self.awaited, self.refusals = None, 0
        self.cursor, missed = rejoin(self.cursor, answer.head, answer.recovered)
        self.start = self.start or self.cursor
        self.recovered = answer.recovered
        self._settled.set()
        if missed:
            resync = Resync(self.room, answer.head.epoch, answer.head.offset)
            await self.inbox.put((self.cursor, resync))

    async def pushed(self, event: Event) -> bool:
        """Take the event in its turn; False means that events before it are missing: subscribe again.

        Waits while the inbox is full: the socket is not read meanwhile, so TCP holds the server back.
        """
        if self.cursor is None or self.awaited is not None:
            return True
        step = self.cursor.step(event.offset)
        if step is Step.NEXT:
            self.cursor = self.cursor.at(event.offset)
            await self.inbox.put((self.cursor, event))
        elif step is Step.HOLE:
            self._report(self.cursor, event)
        return step is not Step.HOLE

    def _report(self, cursor: Cursor, event: Event) -> None:
        """Raise `ProtocolError` if subscribing again has not filled the hole: it would never end."""
        if self._hole == cursor:
            raise ProtocolError(f"{self.room}: {event.offset} came after {cursor.offset} twice")
        self._hole = cursor

    def fail(self, error: Exception) -> None:
        """What was received is still read; then `error` is raised."""
        self._error = error
        self._settled.set()
        self.inbox.end(error)

    def close(self) -> None:
        self.inbox.discard()
        self.inbox.end(StopAsyncIteration())
