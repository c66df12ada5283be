"""A hub on unruly NATS over a log in memory, and members that note what they are given."""

import asyncio
import logging
from collections.abc import Sequence
from itertools import pairwise
from typing import Self

from fakelog import APP, EPOCH, ROOM, FakeLog, UnrulyNats

from events import NoAnswer, Record
from fanout.companies import Companies
from fanout.hub import Bounds, Hub
from fanout.members import Joined, Member
from fanout.pages import Pages
from fanout.requests import Position
from fanout.sockets import Socket
from fanout.tasks import Tasks

ROOMY = 1 << 40
"""Bytes that a reader takes at once if it is never slow."""


class Plain:
    """Frames that a test can read."""

    name = "plain"

    def event(self, room: str, epoch: str, offset: int, data: bytes) -> bytes:
        return b"%d " % offset

    def signal(self, room: str, data: bytes) -> bytes:
        return b"~%b " % data

    def presence(self, room: str, body: bytes) -> bytes:
        return b"~presence "

    def receipts(self, room: str, body: bytes) -> bytes:
        return b"~receipts "


PLAIN = Plain()


class Person:
    """A `Sink` and its `Socket`: after `room` unread bytes it is paused, as a connection is."""

    peer = ""

    def __init__(self, hub: Hub, since: Position | None, room: int = ROOMY) -> None:
        self.id = f"c{id(self)}"
        self.socket: Socket = self
        self.stalled = False
        self.since = since
        self.joined: Joined | None = None
        self.refused = False
        self.closed = False
        self.writes: list[bytes] = []
        self.buffered = 0
        self.member = Member(self, PLAIN, ROOM)
        self._hub = hub
        self._room = room

    async def join(self) -> None:
        try:
            await self._hub.join(self.member, self.since, self._answered)
        except NoAnswer:
            self.refused = True

    def _answered(self, joined: Joined) -> None:
        assert self.joined is None
        self.joined = joined

    def leave(self) -> None:
        self._hub.leave(self.member)

    def read(self) -> None:
        """Take all that waits."""
        self.buffered = 0
        if self.stalled:
            self.stalled = False
            self._hub.resume(self.member)

    def write(self, frames: bytes, /) -> None:
        assert self.joined is not None
        assert not self.stalled
        assert not self.member.gone
        self.writes.append(frames)
        self.buffered += len(frames)
        if self.buffered > self._room:
            self.stalled = True
            self._hub.pause(self.member)

    def lost(self, room: str) -> None:
        self.closed = True
        self.leave()

    def degraded(self) -> None:
        raise AssertionError("the hub calls it on no account")

    def restored(self) -> None:
        raise AssertionError("the hub calls it on no account")

    def retire(self, after: float) -> None:
        raise AssertionError("the hub calls it on no account")

    def failed(self) -> None:
        raise AssertionError("the hub calls it on no account")

    def send(self, payload: bytes) -> None:
        self.write(payload)

    def send_binary(self, payload: bytes) -> None:
        self.write(payload)

    def ping(self) -> None:
        self.write(b"")

    def close(self, code: int, reason: str = "") -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    @property
    def offsets(self) -> list[int]:
        return [int(frame) for frame in b"".join(self.writes).split() if not frame.startswith(b"~")]

    @property
    def start(self) -> int:
        """After which offset its events begin."""
        assert self.joined is not None
        if not self.joined.recovered:
            return self.joined.offset
        assert self.since is not None
        return self.since.offset

    def check(self, head: int | None) -> None:
        """It was given the log from its start on, once, in order, and up to `head` if that is given."""
        if self.joined is None:
            assert self.writes == []
            return
        offsets = [self.start, *self.offsets]
        assert all(after == before + 1 for before, after in pairwise(offsets))
        assert head is None or offsets[-1] == head


class Failures(logging.Handler):
    """What a task broke off with, which nobody waits for."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[object] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.exc_info)


class World:
    def __init__(
        self, log: FakeLog, *, ring: int = 1 << 20, early: int = 1 << 20, linger: float = 30.0
    ) -> None:
        self.log = log
        self.nats = UnrulyNats()
        self.tasks = Tasks()
        self.pages = Pages(self.nats, APP, kept=1 << 20, timeout=2)
        bounds = Bounds(ring=ring, early=early, linger=linger)
        self.companies = Companies(APP, self.nats, self.tasks)
        self.hub = Hub(
            APP, self.nats, self.nats, self.pages, self.companies, self.tasks, bounds, self._pushed
        )
        self.pushed: list[tuple[list[int], int]] = []
        self._failures = Failures()

    def _pushed(self, records: Sequence[Record], sockets: int) -> None:
        self.pushed.append(([record.offset for record in records], sockets))

    async def __aenter__(self) -> Self:
        await self.log.serve(self.nats)
        logging.getLogger("fanout").addHandler(self._failures)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.hub.close()
        await self.tasks.close()
        await self.pages.close()
        logging.getLogger("fanout").removeHandler(self._failures)
        assert self._failures.seen == []
        assert self.nats.followers == []

    def person(self, since: int | None = None, *, epoch: str = EPOCH, room: int = ROOMY) -> Person:
        return Person(self.hub, None if since is None else Position(epoch, since), room)

    async def join(self, since: int | None = None, *, epoch: str = EPOCH, room: int = ROOMY) -> Person:
        person = self.person(since, epoch=epoch, room=room)
        await person.join()
        await turn()
        return person

    def post(self, count: int = 1) -> list[Record]:
        """Log events that are heard at once."""
        records = self.log.append(count)
        self.nats.deliver(*records)
        return records


async def turn() -> None:
    """Let the loop finish what is due now."""
    for _ in range(50):
        await asyncio.sleep(0)


def upto(last: int, first: int = 1) -> list[int]:
    return list(range(first, last + 1))
