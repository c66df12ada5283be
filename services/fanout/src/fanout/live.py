"""A room with members in this process: its feed, its recent events, and who gets them.

All events of one turn of the loop are joined into one write a member. A member is live, or it catches up
from the ring or the log; the two meet at the room's `head`, without a gap or a repeat.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from events import NoAnswer, Record
from fanout.members import Encoding, Figures, Joined, Member
from fanout.native import Position
from fanout.pages import Chunk, Pages
from fanout.room import Entry, Room

FLUSH_BYTES = 256 * 1024
"""Events of one room that are joined into one write at most."""

RETRY_SECONDS = 0.5
"""Between two tries to read a log that cannot be read now."""

Spawn = Callable[[Coroutine[Any, Any, None]], None]
"""Runs a coroutine for as long as the hub lives."""

log = logging.getLogger(__name__)


class LiveRoom:
    """One active room; `pushed` is called with the records that each flush wrote."""

    def __init__(
        self,
        room: Room,
        pages: Pages,
        figures: Figures,
        spawn: Spawn,
        pushed: Callable[[Sequence[Record], int], None],
    ) -> None:
        self.room = room
        self.members: set[Member] = set()
        self.replaced = False
        """The room's history is another one by now: open it afresh."""
        self._pages = pages
        self._figures = figures
        self._spawn = spawn
        self._pushed = pushed
        self._live: dict[Encoding, set[Member]] = {}
        self._pending: list[Entry] = []
        self._pending_size = 0
        self._records: list[Record] = []
        self._flushed = 0
        self._filling = False

    # The feed

    async def open(self) -> None:
        """Find where the log stands; what was heard since then follows. Raise `NoAnswer`."""
        chunk = await self._pages.head(self.room.name)
        self._flushed = chunk.head
        self._push(self.room.open(chunk.epoch, chunk.head))
        self._mend()

    def heard(self, record: Record) -> None:
        """An event came by the live feed."""
        if self.room.opened and record.epoch != self.room.epoch:
            self._replace()
            return
        entries = self.room.hear(record.offset, record.data)
        if entries:
            self._records.append(record)
            self._push(entries)
        self._mend()

    def _mend(self) -> None:
        if self.room.missing and not self._filling:
            self._figures.holes += 1
            self.fill()

    def fill(self) -> None:
        """Read the log from `head` on, for something may be missing."""
        if not self._filling and self.room.opened:
            self._filling = True
            self._spawn(self._fill())

    async def _fill(self) -> None:
        try:
            while (chunk := await self._read(self.room.head)) is not None:
                for entry in chunk.after(self.room.head):
                    self._push(self.room.hear(entry.offset, entry.data))
                if self.room.head >= chunk.head:
                    return
        finally:
            self._filling = False

    async def _read(self, after: int) -> Chunk | None:
        """A chunk of the log, however long it takes; `None` once it is another history."""
        while not self.replaced:
            try:
                chunk = await self._pages.after(self.room.name, self.room.epoch, after)
            except NoAnswer as reason:
                log.warning("the log of a room cannot be read: %s", reason)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if chunk.epoch == self.room.epoch:
                return chunk
            self._replace()
        return None

    def _replace(self) -> None:
        self.replaced = True
        for member in list(self.members):
            member.sink.lost(self.room.name)

    # Pushing

    def _push(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        self._figures.events += len(entries)
        if not self._pending:
            asyncio.get_running_loop().call_soon(self._flush)
        self._pending += entries
        self._pending_size += sum(len(entry.data) for entry in entries)
        if self._pending_size > FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        entries, self._pending, self._pending_size = self._pending, [], 0
        records, self._records = self._records, []
        self._flushed = entries[-1].offset
        written = 0
        for encoding, live in self._live.items():
            frames = self._join(encoding, entries)
            written += len(live)
            for member in list(live):  # a write may pause its member, which then leaves the set
                member.sink.socket.write(frames)
        self._figures.frames += written * len(entries)
        self._pushed(records, written)

    def _join(self, encoding: Encoding, entries: Sequence[Entry]) -> bytes:
        return b"".join([entry.frame(encoding.name, encoding.event, self.room.name) for entry in entries])

    def signal(self, origin: str, data: bytes) -> None:
        """To everybody but the connection that it came from; first to be shed for a slow reader."""
        self._figures.signals += 1
        for encoding, live in self._live.items():
            frame = encoding.signal(self.room.name, data)
            for member in list(live):
                if member.sink.id != origin:
                    member.sink.socket.write(frame)

    # Members

    async def join(self, member: Member, since: Position | None, joined: Callable[[Joined], None]) -> None:
        """Call `joined`, then give the member what it missed, then what happens. Raise `NoAnswer`."""
        recovered = await self._recoverable(since)
        if member.gone or self.replaced:
            return
        self._flush()
        self.members.add(member)
        self._figures.members += 1
        joined(Joined(self.room.epoch, self.room.head, recovered))
        member.cursor = since.offset if since is not None and recovered else self.room.head
        self.catch_up(member)

    async def _recoverable(self, since: Position | None) -> bool:
        """Whether everything after `since` can be replayed."""
        if since is None or since.epoch != self.room.epoch:
            return False
        if since.offset > self.room.head:
            chunk = await self._pages.after(self.room.name, self.room.epoch, self.room.head)
            if chunk.head < since.offset:
                return False
            self.fill()
            return chunk.epoch == self.room.epoch
        if self.room.after(since.offset) is not None:
            return True
        chunk = await self._pages.after(self.room.name, self.room.epoch, since.offset)
        return chunk.epoch == self.room.epoch and bool(chunk.after(since.offset))

    def leave(self, member: Member) -> None:
        member.gone = True
        if member in self.members:
            self.members.remove(member)
            self._figures.members -= 1
            self._live.get(member.encoding, set()).discard(member)

    def pause(self, member: Member) -> None:
        """It reads too slowly: from now on it is given the log, at its own pace."""
        if member.live:
            member.live = False
            member.cursor = max(member.cursor, self._flushed)
            self._live[member.encoding].discard(member)
            self._figures.paused += 1

    def catch_up(self, member: Member) -> None:
        """Give it what it has not seen: from the ring at once, else from the log."""
        if member.gone or member.live or member.replaying or member.sink.stalled:
            return
        self._flush()
        entries = self.room.after(member.cursor)
        if entries is None:
            member.replaying = True
            self._figures.replays += 1
            self._spawn(self._replay(member))
            return
        member.live = True
        self._live.setdefault(member.encoding, set()).add(member)
        self._give(member, entries)

    async def _replay(self, member: Member) -> None:
        try:
            while self.room.after(member.cursor) is None and not (member.gone or member.sink.stalled):
                chunk = await self._read(member.cursor)
                if chunk is None:
                    return
                self._give(member, chunk.after(member.cursor))
        finally:
            member.replaying = False
        self.catch_up(member)

    def _give(self, member: Member, entries: Sequence[Entry]) -> None:
        if entries:
            self._figures.frames += len(entries)
            member.cursor = max(member.cursor, entries[-1].offset)
            member.sink.socket.write(self._join(member.encoding, entries))
