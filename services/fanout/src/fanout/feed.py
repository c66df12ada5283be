"""What happens in a room, gathered from the live feed and, where that may have a hole, from the log."""

import asyncio
import random
from collections.abc import Callable, Sequence

from events import NoAnswer, Record
from fanout.members import Figures
from fanout.pages import Chunk, Pages
from fanout.requests import Position
from fanout.room import Entry, Room
from fanout.tasks import Tasks

RETRY_SECONDS = 0.5
"""Between two tries to read a log that cannot be read now, or does not have yet what was heard; twice as long
after each, up to `PATIENT_SECONDS`."""

PATIENT_SECONDS = 4.0
MAX_DOUBLINGS = 10

Push = Callable[[Sequence[Entry], Record | None], None]
"""Takes what follows in the room, and the record just heard if it is among that."""


class Feed:
    """Brings `room` forward and hands every event to `push`, until it is `closed`.

    It closes itself, and calls `replaced`, when the log has another history: then open the room afresh.
    """

    def __init__(
        self,
        room: Room,
        pages: Pages,
        figures: Figures,
        tasks: Tasks,
        push: Push,
        replaced: Callable[[], None],
    ) -> None:
        self.room = room
        self.closed = False
        self._pages = pages
        self._figures = figures
        self._tasks = tasks
        self._push = push
        self._when_replaced = replaced
        self._newest: Record | None = None
        """The last event that was heard before the room was open."""
        self._doubtful = False
        """Events may have been missed: ask where the log stands."""
        self._vain = 0
        """Tries in a row that brought nothing."""
        self._mending: asyncio.Future[None] | None = None
        """Done when nothing is missing any more."""

    async def open(self) -> None:
        """Find where the log stands; what was heard since then follows. Raise `NoAnswer`."""
        chunk = await self._pages.head(self.room.name)
        self.room.open(chunk.epoch, chunk.head)
        if self._newest is not None:
            self.heard(self._newest)
        self._mend_if_needed()

    def heard(self, record: Record) -> None:
        """An event came by the live feed."""
        if not self.room.opened:
            self._newest = _newer(self._newest, record)
        elif record.epoch != self.room.epoch:
            self.check()
        else:
            entries = self.room.hear(record.offset, record.data)
            if entries:
                self._push(entries, record)
            elif self.room.missing and self._mending is None:
                self._figures.holes += 1
            self._mend_if_needed()

    def check(self) -> None:
        """Something may have been missed: compare with the log."""
        self._doubtful = True
        self._mend_if_needed()

    async def settled(self) -> None:
        """Wait until nothing is missing, or the feed is closed."""
        while self._mending is not None:
            await asyncio.shield(self._mending)

    async def read(self, after: int) -> Sequence[Entry]:
        """What follows in the log; nothing, after a pause, if the log cannot say it now."""
        try:
            chunk = await self._pages.after(self.room.name, self.room.epoch, after)
            entries = chunk.after(after) if self._absorb(chunk) else ()
        except NoAnswer:
            entries = ()
        if entries:
            self._vain = 0
        elif not self.closed:
            await self._pause()
        return entries

    async def _pause(self) -> None:
        """A little at random: all rooms wait for the same log."""
        seconds = min(PATIENT_SECONDS, RETRY_SECONDS * 2**self._vain)
        self._vain = min(self._vain + 1, MAX_DOUBLINGS)
        await asyncio.sleep(seconds * random.uniform(0.75, 1))  # noqa: S311  jitter

    async def recoverable(self, since: Position) -> bool:
        """Whether everything after `since` can be given; the room has come as far as that by then.

        Raise `NoAnswer`.
        """
        if since.epoch != self.room.epoch:
            return False
        await self._reach(since.offset)
        if since.offset > self.room.head:
            return False
        return self.room.after(since.offset) is not None or await self._logs(since.offset)

    async def _reach(self, offset: int) -> None:
        """Come as far as a member has seen elsewhere: what this process has yet to hear, the log has."""
        vain = 0
        while self.room.head < offset and vain < 2 and not self.closed:  # the first answer may be an old one
            head = self.room.head
            self._absorb(await self._pages.after(self.room.name, self.room.epoch, head))
            vain = vain + 1 if self.room.head == head else 0

    async def _logs(self, offset: int) -> bool:
        """Whether the log has what follows the offset."""
        for _ in range(2):  # the first answer may be an old one
            chunk = await self._pages.after(self.room.name, self.room.epoch, offset)
            if self._absorb(chunk) and chunk.after(offset):
                return True
        return False

    def _mend_if_needed(self) -> None:
        if (self.room.missing or self._doubtful) and self.room.opened and self._mending is None:
            self._mending = asyncio.get_running_loop().create_future()
            self._tasks.spawn(self._mend(self._mending))

    async def _mend(self, mended: asyncio.Future[None]) -> None:
        """Read the log until nothing is missing, however long it takes."""
        try:
            while not self.closed and (self.room.missing or self._doubtful):
                if self._doubtful:
                    await self._look()
                else:
                    await self.read(self.room.head)
        finally:
            self._mending = None
            mended.set_result(None)

    async def _look(self) -> None:
        self._doubtful = False
        try:
            self._absorb(await self._pages.head(self.room.name))
            self._vain = 0
        except NoAnswer:
            self._doubtful = True
            await self._pause()

    def _absorb(self, chunk: Chunk) -> bool:
        """Learn from the log; whether it is still the same history."""
        if chunk.epoch != self.room.epoch:
            self.closed = True
            self._when_replaced()
            return False
        self.room.learn(chunk.head)
        for entry in chunk.after(self.room.head):
            self._push(self.room.hear(entry.offset, entry.data), None)
        self._mend_if_needed()
        return True


def _newer(known: Record | None, heard: Record) -> Record:
    same = known is not None and known.epoch == heard.epoch
    return known if known is not None and same and known.offset > heard.offset else heard
