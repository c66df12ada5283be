"""A room with members in this process: who gets its events, and from where.

All events of one turn of the loop are joined into one write a member. A member is live, or it catches up
from the ring or the log; the two meet at the room's `head`, without a gap or a repeat.
"""

import asyncio
from collections.abc import Callable, Sequence

from events import Record
from fanout.company import Company
from fanout.feed import Feed
from fanout.members import Encoding, Figures, Joined, Member
from fanout.pages import Pages
from fanout.requests import Position
from fanout.room import Entry, Room
from fanout.tasks import Tasks

FLUSH_BYTES = 256 * 1024
"""Events of one room that are joined into one write at most."""

MEMBERSHIP = b'"type":"member.'
"""In events after which the room has other members; what is written in a body is escaped."""

Pushed = Callable[[Sequence[Record], int], None]
"""Called with the records that a flush wrote, and the number of sockets that it wrote them to."""


class LiveRoom:
    """One active room; once its feed is closed, its members are lost and it takes no others."""

    def __init__(
        self,
        room: Room,
        members: set[Member],
        company: Company,
        pages: Pages,
        figures: Figures,
        tasks: Tasks,
        pushed: Pushed,
        shed_above: int,
    ) -> None:
        """`members` is filled here. Above `shed_above` bytes that wait for a member, it gets no signals."""
        self.feed = Feed(room, pages, figures, tasks, self._push, self._lose)
        self.members = members
        self._company = company
        self._room = room
        self._figures = figures
        self._tasks = tasks
        self._pushed = pushed
        self._shed_above = shed_above
        self._live: dict[Encoding, set[Member]] = {}
        self._pending: list[Entry] = []
        self._pending_size = 0
        self._records: list[Record] = []
        self._flushed = 0
        """Offset of the last event that was written to the live members."""

    # Pushing

    def _push(self, entries: Sequence[Entry], record: Record | None) -> None:
        if not entries:
            return
        if record is not None:
            self._records.append(record)
        if any(MEMBERSHIP in entry.data for entry in entries):
            self._company.membership_changed()
        self._figures.events += len(entries)
        if not self._pending:
            asyncio.get_running_loop().call_soon(self.flush)
        self._pending += entries
        self._pending_size += sum(len(entry.data) for entry in entries)
        if self._pending_size > FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
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
        name, room, epoch = encoding.name, self._room.name, self._room.epoch
        return b"".join([entry.frame(name, encoding.event, room, epoch) for entry in entries])

    def signal(self, origin: str, data: bytes) -> None:
        """To everybody but the connection that it came from, and those who read too slowly."""
        self._figures.signals += 1
        written = 0
        for encoding, live in self._live.items():
            frame = encoding.signal(self._room.name, data)
            for member in list(live):
                socket = member.sink.socket
                if member.sink.id == origin:
                    written += 1
                elif socket.buffered <= self._shed_above:
                    written += 1
                    socket.write(frame)
        self._figures.shed += len(self.members) - written

    # Members

    async def join(self, member: Member, since: Position | None, joined: Callable[[Joined], None]) -> None:
        """Call `joined`, then give the member what it missed, then what happens. Raise `NoAnswer`."""
        recovered = since is not None and await self.feed.recoverable(since)
        if member.gone:
            return
        if self.feed.closed:
            member.sink.lost(self._room.name)
            return
        self.members.add(member)
        self._figures.members += 1
        member.cursor = since.offset if since is not None and recovered else self._room.head
        member.joined = True
        company = self._company
        joined(Joined(self._room.epoch, self._room.head, recovered, company.presence(), company.receipts()))
        self.catch_up(member)

    def leave(self, member: Member) -> None:
        member.gone = True
        if member in self.members:
            self.members.remove(member)
            self._company.forget(member)
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
        if member.live or member.replaying or not member.takes:
            return
        self.flush()
        entries = self._room.after(member.cursor)
        if entries is None:
            member.replaying = True
            self._figures.replays += 1
            self._tasks.spawn(self._replay(member))
            return
        member.live = True
        self._live.setdefault(member.encoding, set()).add(member)
        self._give(member, entries)
        self._company.live(member)

    async def _replay(self, member: Member) -> None:
        try:
            while member.takes and not self.feed.closed and self._room.after(member.cursor) is None:
                self._give(member, await self.feed.read(member.cursor))
        finally:
            member.replaying = False
        self.catch_up(member)

    def _give(self, member: Member, entries: Sequence[Entry]) -> None:
        if entries and member.takes:
            self._figures.frames += len(entries)
            member.cursor = entries[-1].offset
            member.sink.socket.write(self._join(member.encoding, entries))

    def _lose(self) -> None:
        for member in list(self.members):
            member.sink.lost(self._room.name)
