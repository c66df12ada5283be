"""The ports of `stream.py` in memory, for tests of what stands on them."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from events import subjects
from events.record import Record, received
from events.stream import Answer, Bounds, Held, NoAnswer, NotPublished, Rejected, Stop, StreamError
from events.testing_feed import MemoryFeed
from events.testing_leases import MemoryLastSeen, MemoryLeases
from events.testing_receipts import MemoryReceipts

Heard = Callable[[str, bytes], None]
T = TypeVar("T")


@dataclass
class Shelf:
    """One life of a stream."""

    created: datetime
    held: dict[int, Record] = field(default_factory=dict)
    """By sequence."""
    known: dict[str, int] = field(default_factory=dict)
    """The sequence of each message id, held or not."""
    last: int = 0

    def put(self, record: Record) -> int:
        self.last = self.known[record.message_id] = self.last + 1
        self.held[self.last] = record
        return self.last


@dataclass
class MemoryNats:
    """`Stream`, `Contents` and `Wire`, and what the ports of `leases.py`, `receipts.py` and `feed.py` need.

    For any number of users in one event loop.
    """

    away: bool = False
    """While true nothing is persisted, heard or answered."""
    shelf: Shelf | None = field(default_factory=lambda: Shelf(_new()))
    """`None` once the stream was deleted."""
    _followers: dict[str, list[Callable[[Record], None]]] = field(default_factory=dict)
    _listeners: dict[str, list[Heard]] = field(default_factory=dict)
    _servers: dict[str, dict[str, list[Answer]]] = field(default_factory=dict)
    _after_disconnect: list[Callable[[], None]] = field(default_factory=list)
    _after_reconnect: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._leases = MemoryLeases(lambda: self.away)
        self._last_seen = MemoryLastSeen(lambda: self.away)
        self._receipts = MemoryReceipts(lambda: self.away)
        self._feed = MemoryFeed(lambda: self._there().held)
        self.disconnected(self._leases.lose)
        self.reconnected(self._leases.regain)

    def leases(self, *, replicas: int = 1, fresh: float = 30.0) -> MemoryLeases:
        """The same at each call, as what the other ports are."""
        self._leases.fresh = fresh
        return self._leases

    def last_seen(self, *, replicas: int = 1, max_age: float = 0.0) -> MemoryLastSeen:
        return self._last_seen

    def receipts(self) -> MemoryReceipts:
        return self._receipts

    def feed(self) -> MemoryFeed:
        return self._feed

    async def publish(self, record: Record) -> asyncio.Future[int]:
        ack: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if self.away or self.shelf is None:
            ack.set_exception(NotPublished("away") if self.away else Rejected("no stream listens"))
            return ack
        known = self.shelf.known.get(record.message_id)
        if known is None:
            known = self.shelf.put(record)
            self._feed.wake()
            await self.announce(record)
        ack.set_result(known)
        return ack

    async def announce(self, record: Record) -> None:
        self._reach()
        copy = received(record.subject, record.headers(), record.data)
        followers = self._followers.get(subjects.live(record.app, record.room), [])
        _tell(followers, lambda heard: heard(copy))

    async def follow(self, app: str, room: str, heard: Callable[[Record], None]) -> Stop:
        return _add(self._followers.setdefault(subjects.live(app, room), []), heard)

    @property
    def records(self) -> Sequence[Record]:
        """What the stream holds, in order."""
        return [] if self.shelf is None else list(self.shelf.held.values())

    def contents(self, *, replicas: int = 1) -> "MemoryNats":
        return self

    async def ensure_stream(self) -> None:
        self._reach()
        self.shelf = self.shelf or Shelf(_new())

    async def bounds(self) -> Bounds | None:
        self._reach()
        if self.shelf is None:
            return None
        empty = self.shelf.last + 1 if self.shelf.last else 0
        return Bounds(
            self.shelf.created, min(self.shelf.held, default=empty), self.shelf.last, len(self.records)
        )

    async def message_id(self, sequence: int) -> str | None:
        record = self._there().held.get(sequence)
        return None if record is None else record.message_id

    async def held(self, app: str, room: str) -> Held | None:
        found = [each for each in self._there().held.values() if (each.app, each.room) == (app, room)]
        return Held(found[0], found[-1], len(found)) if found else None

    async def remove(self, app: str, room: str | None = None) -> None:
        self._reach()
        shelf = self.shelf or Shelf(_new())
        gone = [
            sequence for sequence, each in shelf.held.items() if each.app == app and room in (None, each.room)
        ]
        for sequence in gone:
            del shelf.held[sequence]

    def _reach(self) -> None:
        if self.away:
            raise StreamError("away")

    def _there(self) -> Shelf:
        self._reach()
        if self.shelf is None:
            raise StreamError("no stream")
        return self.shelf

    async def send(self, subject: str, payload: bytes) -> None:
        if self.away:
            raise StreamError("away")
        for pattern, listeners in self._listeners.items():
            if _matches(pattern, subject):
                _tell(listeners, lambda heard: heard(subject, payload))

    async def listen(self, subject: str, heard: Heard) -> Stop:
        return _add(self._listeners.setdefault(subject, []), heard)

    async def request(self, subject: str, payload: bytes, timeout: float) -> bytes:  # noqa: ASYNC109  as the port
        groups = [servers for servers in self._servers.get(subject, {}).values() if servers]
        if self.away or not groups:
            raise NoAnswer(f"{subject}: nobody serves it")
        try:
            async with asyncio.timeout(timeout):
                for servers in groups:
                    servers.append(servers.pop(0))
                    if (answered := await servers[-1](payload)) is not None:
                        return answered
        except TimeoutError as error:
            raise NoAnswer(f"{subject}: {timeout} s passed") from error
        raise NoAnswer(f"{subject}: nobody answers it")

    async def serve(self, subject: str, group: str, answer: Answer) -> Stop:
        return _add(self._servers.setdefault(subject, {}).setdefault(group, []), answer)

    def disconnected(self, then: Callable[[], None]) -> None:
        self._after_disconnect.append(then)

    def reconnected(self, then: Callable[[], None]) -> None:
        self._after_reconnect.append(then)

    def go_away(self) -> None:
        """Begin `away` as a lost connection does."""
        self.away = True
        for then in self._after_disconnect:
            then()

    def come_back(self) -> None:
        """End `away` as a reconnect does."""
        self.away = False
        for then in self._after_reconnect:
            then()


_births = itertools.count()


def _new() -> datetime:
    """When a stream is created: no two in the same microsecond."""
    return datetime.fromtimestamp(next(_births), UTC)


def _tell(listeners: list[T], tell: Callable[[T], None]) -> None:
    """In a later turn of the loop, and only those who still listen then."""

    def still(heard: T) -> None:
        if heard in listeners:
            tell(heard)

    for heard in listeners:
        asyncio.get_running_loop().call_soon(still, heard)


def _matches(pattern: str, subject: str) -> bool:
    """As NATS does: `*` is one token, `>` at the end one or more."""
    wanted, given = pattern.split("."), subject.split(".")
    if wanted[-1] == ">" and len(given) >= len(wanted):
        wanted, given = wanted[:-1], given[: len(wanted) - 1]
    return len(wanted) == len(given) and all(map(_is, wanted, given))


def _is(wanted: str, given: str) -> bool:
    return wanted in ("*", given)


def _add(to: list[T], item: T) -> Stop:
    to.append(item)

    async def stop() -> None:
        to.remove(item)

    return stop
