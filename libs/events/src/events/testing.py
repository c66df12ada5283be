"""The ports of `stream.py` in memory, for tests of what stands on them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from events import subjects
from events.record import Record, received
from events.stream import Answer, NoAnswer, NotPublished, Stop, StreamError

Heard = Callable[[str, bytes], None]
T = TypeVar("T")


@dataclass
class MemoryNats:
    """`Stream` and `Wire`, for any number of users in one event loop."""

    records: list[Record] = field(default_factory=list)
    """What the stream holds; the sequence of a record is its place, from 1."""
    away: bool = False
    """While true nothing is persisted, heard or answered."""
    _sequences: dict[str, int] = field(default_factory=dict)
    _followers: dict[str, list[Callable[[Record], None]]] = field(default_factory=dict)
    _listeners: dict[str, list[Heard]] = field(default_factory=dict)
    _servers: dict[str, dict[str, list[Answer]]] = field(default_factory=dict)
    _after_reconnect: list[Callable[[], None]] = field(default_factory=list)

    async def publish(self, record: Record) -> asyncio.Future[int]:
        ack: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if self.away:
            ack.set_exception(NotPublished("away"))
            return ack
        known = self._sequences.get(record.message_id)
        if known is None:
            self.records.append(record)
            known = self._sequences[record.message_id] = len(self.records)
            copy = received(record.subject, record.headers(), record.data)
            followers = self._followers.get(subjects.live(record.app, record.room), [])
            _tell(followers, lambda heard: heard(copy))
        ack.set_result(known)
        return ack

    async def follow(self, app: str, room: str, heard: Callable[[Record], None]) -> Stop:
        return _add(self._followers.setdefault(subjects.live(app, room), []), heard)

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

    def reconnected(self, then: Callable[[], None]) -> None:
        self._after_reconnect.append(then)

    def come_back(self) -> None:
        """End `away` as a reconnect does."""
        self.away = False
        for then in self._after_reconnect:
            then()


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
