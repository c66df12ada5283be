"""A room's log in memory, which answers `comments.replay` as comments does, and as badly as a test wants."""

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

from events import Record, Stop, subjects
from events.replay import Page, ReplayRequest
from events.testing import MemoryNats

APP, ROOM, EPOCH = "app", "lobby", "epoch-1"
AT = "2026-11-23T12:00:00.000000Z"


def record(offset: int, data: bytes = b"", *, epoch: str = EPOCH, room: str = ROOM) -> Record:
    return Record(APP, room, epoch, offset, UUID(int=offset), "comment.posted", AT, data or event(offset))


def event(offset: int) -> bytes:
    return b'{"offset":%d}' % offset


class UnrulyNats(MemoryNats):
    """Events are heard when `deliver` says so: late, twice, in another order or never."""

    def __init__(self) -> None:
        super().__init__()
        self.followers: list[Callable[[Record], None]] = []
        self.listeners: list[Callable[[str, bytes], None]] = []

    async def follow(self, app: str, room: str, heard: Callable[[Record], None]) -> Stop:
        self.followers.append(heard)

        async def stop() -> None:
            self.followers.remove(heard)

        return stop

    async def listen(self, subject: str, heard: Callable[[str, bytes], None]) -> Stop:
        stop = await super().listen(subject, heard)
        if not subject.startswith("signals."):
            return stop
        self.listeners.append(heard)

        async def unlisten() -> None:
            self.listeners.remove(heard)
            await stop()

        return unlisten

    def signal(self, data: bytes) -> None:
        """A signal that is heard in this turn of the loop."""
        for heard in list(self.listeners):
            heard("", b"other\n" + data)

    def deliver(self, *records: Record) -> None:
        for heard in list(self.followers):
            for each in records:
                heard(each)


class FakeLog:
    """Every room has the same events. A page is cut after `cut` events, as one of too many bytes is."""

    def __init__(self, head: int = 0, *, cut: int = 1000) -> None:
        self.epoch = EPOCH
        self.events: list[bytes] = [event(offset) for offset in range(1, head + 1)]
        self.cut = cut
        self.available = True
        self.delay = 0.0
        """Seconds that an answer takes on its way: it is as old as that when it arrives."""
        self.requests: list[ReplayRequest] = []

    @property
    def head(self) -> int:
        return len(self.events)

    @property
    def pages(self) -> Sequence[ReplayRequest]:
        """Requests for more than the head."""
        return [request for request in self.requests if request.limit]

    def append(self, count: int = 1) -> list[Record]:
        fresh = range(self.head + 1, self.head + count + 1)
        self.events += [event(offset) for offset in fresh]
        return [record(offset, epoch=self.epoch) for offset in fresh]

    async def serve(self, nats: MemoryNats) -> None:
        await nats.serve(subjects.REPLAY, "comments", self.answer)

    async def answer(self, payload: bytes) -> bytes:
        asked = ReplayRequest.model_validate_json(payload)
        self.requests.append(asked)
        found = self.events[asked.after :][: min(asked.limit, self.cut)]
        answer = Page(self.epoch, self.head, asked.after + 1, found).encode() if self.available else b""
        await asyncio.sleep(self.delay)
        return answer
