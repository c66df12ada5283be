"""Rooms whose events tests write: a log that answers `comments.replay`, their records, and the tables."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from chassis.database import Pool
from events import (
    CommentDeleted,
    CommentEdited,
    CommentPosted,
    Event,
    MemberJoined,
    MemberLeft,
    Mention,
    Record,
    RoomUpdated,
    Wire,
    encode,
    subjects,
)
from events.feed import EventFeed, Received
from events.replay import Page, ReplayRequest
from notifier.intake import Intake

E = TypeVar("E", bound=Event)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ROOM = "chat-5-12"


@dataclass
class Room:
    """The events of one, each of which is added by a method; `at` is in seconds before `NOW`."""

    app: str
    name: str = ROOM
    epoch: str = "e1"
    events: list[Event] = field(default_factory=list)

    def post(
        self, actor: str, body: str = "hello", *, ago: float = 0, mentions: Sequence[str] = (), **more: Any
    ) -> CommentPosted:
        spans = [Mention(user=user, start=0, end=1) for user in mentions]
        return self._add(
            CommentPosted(**self._stamp(actor, ago), comment=uuid4(), body=body, mentions=spans, **more)
        )

    def edit(self, comment: CommentPosted, body: str, *, mentions: Sequence[str] = ()) -> CommentEdited:
        spans = [Mention(user=user, start=0, end=1) for user in mentions]
        stamp = self._stamp(comment.actor)
        return self._add(CommentEdited(**stamp, comment=comment.comment, body=body, mentions=spans))

    def delete(self, comment: CommentPosted) -> CommentDeleted:
        return self._add(CommentDeleted(**self._stamp(comment.actor), comment=comment.comment))

    def join(self, user: str) -> MemberJoined:
        return self._add(MemberJoined(**self._stamp(user), user=user))

    def leave(self, user: str) -> MemberLeft:
        return self._add(MemberLeft(**self._stamp(user), user=user))

    def attributes(self, **attributes: Any) -> RoomUpdated:
        return self._add(RoomUpdated(**self._stamp("host"), attributes=attributes))

    @property
    def records(self) -> list[Record]:
        return [self.record(event) for event in self.events]

    def record(self, event: Event) -> Record:
        at = event.at.isoformat()
        return Record(
            self.app, self.name, self.epoch, event.offset, event.id, event.type, at, encode(event),
            trace=f"trace-{event.offset}",
        )  # fmt: skip

    def restored(self, head: int, epoch: str = "e2") -> "Room":
        """As a backup had it, with an epoch of its own."""
        return Room(self.app, self.name, epoch, self.events[:head])

    def _stamp(self, actor: str, ago: float = 0) -> dict[str, Any]:
        at = NOW - timedelta(seconds=ago)
        return {"id": uuid4(), "room": self.name, "offset": len(self.events) + 1, "at": at, "actor": actor}

    def _add(self, event: E) -> E:
        self.events.append(event)
        return event


class Log:
    """Answers `comments.replay` for its rooms, as comments does; a page has at most `cut` events."""

    def __init__(self, *rooms: Room, cut: int = 1000) -> None:
        self.rooms = {room.name: room for room in rooms}
        self.cut = cut
        self.available = True
        self.requests: list[ReplayRequest] = []

    async def serve(self, wire: Wire, app: str) -> None:
        await wire.serve(subjects.REPLAY, f"comments-{app}", self.answer)

    async def answer(self, payload: bytes) -> bytes:
        asked = ReplayRequest.model_validate_json(payload)
        self.requests.append(asked)
        if not self.available:
            return b""
        room = self.rooms[asked.room]
        events = room.events[asked.after :][: min(asked.limit, self.cut)]
        return Page(room.epoch, len(room.events), asked.after + 1, list(map(encode, events))).encode()


class ScriptedFeed:
    """`EventFeed` that gives what the test hands it; what is not confirmed does not come again by itself."""

    def __init__(self) -> None:
        self._batches: asyncio.Queue[list[Received]] = asyncio.Queue()
        self.confirmed: list[Record] = []
        self.asked = 0

    def give(self, *records: Record, again: bool = False) -> None:
        """As one batch."""
        self._batches.put_nowait([Received(record, str(record.message_id), again) for record in records])

    async def take(self, app: str, durable: str, most: int, wait: float) -> Sequence[Received]:
        self.asked += 1
        try:
            async with asyncio.timeout(wait):
                return await self._batches.get()
        except TimeoutError:
            return []

    async def confirm(self, received: Sequence[Received]) -> None:
        self.confirmed += [each.record for each in received]


@asynccontextmanager
async def intake(
    pool: Pool,
    feed: EventFeed,
    wire: Wire,
    app: str,
    *,
    batch: int = 500,
    delay: float = 3,
    ttl: float = 3600,
) -> AsyncIterator[Intake]:
    """A process that takes events; for it, it is `NOW`."""
    found = Intake(pool, feed, wire, app, delay=delay, ttl=ttl, batch=batch, now=lambda: NOW)
    async with running(found.run()):
        yield found


@asynccontextmanager
async def running(loop: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(loop)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), task.exception()


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not done():
            await asyncio.sleep(0.01)


async def owe(
    pool: Pool,
    app: str,
    comment: CommentPosted,
    user: str = "bob",
    *,
    device: str | None = None,
    state: str = "waiting",
    unsure: bool = False,
) -> None:
    """A push to a device of the user, as it is in the outbox."""
    await pool.execute(
        _OWE,
        app,
        comment.room,
        comment.offset,
        comment.id,
        comment.comment,
        user,
        device or f"d-{user}",
        state,
        unsure,
    )


async def own(pool: Pool, app: str, user: str, device: str | None = None) -> None:
    name = device or f"d-{user}"
    await pool.execute(_OWN, app, name, user, f"address of {name}")


async def pushes(pool: Pool, app: str) -> list[tuple[str, str, int, str, str]]:
    """Kind, device, offset, state and reason of each."""
    return [tuple(row) for row in await pool.fetch(_PUSHES, app)]


_OWE = """
    insert into notifier.pushes (
        app, kind, room, "offset", event, comment, "user", device, platform, state, unsure,
        reason, not_before, expires_at, trace
    )
    values (
        $1, 'comment', $2, $3, $4, $5, $6, $7, 'apns', $8, $9,
        'push', now(), now() + interval '1 h', 'trace'
    )
"""
_OWN = """
    insert into notifier.devices (app, id, "user", platform, address) values ($1, $2, $3, 'apns', $4)
"""
_PUSHES = """
    select kind, device, "offset", state, reason from notifier.pushes
    where app = $1 order by device, "offset", kind
"""
