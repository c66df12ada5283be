"""What contract tests share: records to publish, and ears that can be waited for."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from events import Record

T = TypeVar("T")
PATIENCE = 10
"""Seconds that a machine under load may take; nothing waits that long when it works."""

ODD = [
    "ü",
    "a.b",
    "a*b",
    ">",
    "*",
    "a b",
    "a=b",
    "a%2Eb",
    "naïve@example.org",
    "日本",
    "a\r\nPUB b",
    "\x00",
    "😀",
]
"""Users whose names NATS would give a meaning to."""


def record(
    app: str,
    room: str = "lobby",
    offset: int = 1,
    *,
    type: str = "comment.posted",  # noqa: A002  the event's own word
    epoch: str = "e1",
    trace: str | None = None,
    refill: int = 0,
) -> Record:
    at = "2026-11-23T12:00:00.000000Z"
    return Record(
        app, room, epoch, offset, UUID(int=offset), type, at, b'{"offset":%d}' % offset, trace, refill
    )


class Heard(Generic[T]):
    """A callback that remembers what it was called with."""

    def __init__(self) -> None:
        self.all: list[T] = []
        self._news = asyncio.Event()

    def __call__(self, item: T) -> None:
        self.all.append(item)
        self._news.set()

    async def until(self, count: int) -> list[T]:
        """Everything heard, once it is that much."""
        async with asyncio.timeout(PATIENCE):
            while len(self.all) < count:
                self._news.clear()
                await self._news.wait()
        return self.all


@dataclass(frozen=True)
class Began:
    leases: Mapping[str, bytes]
    whole: bool


@dataclass(frozen=True)
class Extended:
    key: str
    value: bytes


@dataclass(frozen=True)
class Ended:
    key: str
    expired: bool


@dataclass(frozen=True)
class Lost:
    pass


Told = Began | Extended | Ended | Lost


class Diary(Heard[Told]):
    """A `LeaseWatcher` that remembers what it was told."""

    def began(self, leases: Mapping[str, bytes], *, whole: bool) -> None:
        self(Began(dict(leases), whole))

    def extended(self, key: str, value: bytes) -> None:
        self(Extended(key, value))

    def ended(self, key: str, *, expired: bool) -> None:
        self(Ended(key, expired))

    def lost(self) -> None:
        self(Lost())

    async def told(self, count: int) -> list[Told]:
        """The next so many; they are forgotten."""
        await self.until(count)
        told, self.all[:] = self.all[:count], self.all[count:]
        return told

    async def begin(self) -> Began:
        """What is told up to the next `began`, which is the answer; all of it is forgotten."""
        while not isinstance(told := (await self.told(1))[0], Began):
            pass
        return told
