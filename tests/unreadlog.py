"""Comments in memory, of which `comments.unread` is answered as comments does, or as badly as a test asks."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from fakelog import APP

from events import StreamError, subjects
from events.receipts import (
    Change,
    Changes,
    MemberReceipt,
    RoomUnread,
    UnreadAnswer,
    UnreadRequest,
    Watermarks,
)
from events.testing import MemoryNats


@dataclass
class Shared:
    """One room: its comments by offset, and how far its members have read."""

    head: int = 0
    authors: dict[int, str] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)


class UnreadLog:
    def __init__(self, nats: MemoryNats) -> None:
        self.nats = nats
        self.rooms: dict[str, Shared] = {}
        self.available = True
        self.delay = 0.0
        """Seconds that an answer takes: it is as old as that when it arrives."""
        self.asked: list[UnreadRequest] = []
        self.most = 1000
        """Users that are answered at once; more are too much for one answer."""

    async def serve(self) -> None:
        await self.nats.serve(subjects.UNREAD, "comments", self.answer)

    def unread(self, user: str) -> dict[str, RoomUnread]:
        found = {name: self._unread(name, user) for name in self.rooms}
        return {name: each for name, each in found.items() if each is not None}

    def _unread(self, name: str, user: str) -> RoomUnread | None:
        room = self.rooms[name]
        if user not in room.read:
            return None
        read = room.read[user]
        unread = sum(offset > read and author != user for offset, author in room.authors.items())
        return RoomUnread(room=name, head=room.head, read=read, unread=unread, mentioned=False)

    async def post(self, name: str, user: str) -> None:
        """Whoever writes becomes a member."""
        room = self.rooms.setdefault(name, Shared())
        room.head += 1
        room.authors[room.head] = user
        room.read.setdefault(user, room.head)
        await self._hint(name, user)

    async def join(self, name: str, user: str) -> None:
        room = self.rooms.setdefault(name, Shared())
        room.head += 1
        room.read.setdefault(user, room.head)
        await self._hint(name, user)

    async def leave(self, name: str, user: str) -> None:
        room = self.rooms.setdefault(name, Shared())
        room.head += 1
        room.read.pop(user, None)
        await self._hint(name, user)

    async def read(self, name: str, user: str, offset: int) -> None:
        room = self.rooms[name]
        if offset > room.read.get(user, offset):
            room.read[user] = offset
            moved = [MemberReceipt(user=user, delivered=offset, read=offset)]
            heard = Watermarks(epoch="epoch-1", members=len(room.read), moved=moved)
            await self._tell(subjects.watermarks(APP, name), heard.encode())

    async def answer(self, payload: bytes) -> bytes:
        asked = UnreadRequest.decode(payload)
        self.asked.append(asked)
        found = {user: self.unread(user) for user in asked.users}
        chosen = {
            user: [each for name, each in rooms.items() if asked.room in (None, name)]
            for user, rooms in found.items()
        }
        answer = UnreadAnswer(users={user: rooms for user, rooms in chosen.items() if rooms})
        available = self.available and len(asked.users) <= self.most
        await asyncio.sleep(self.delay)
        return answer.encode() if available else b""

    async def _hint(self, name: str, user: str) -> None:
        changes = Changes(changes=[Change(room=name, head=self.rooms[name].head, users=[user])])
        await self._tell(subjects.changed(APP), changes.encode())

    async def _tell(self, subject: str, payload: bytes) -> None:
        with suppress(StreamError):
            await self.nats.send(subject, payload)
