"""What contract tests share: records to publish, and ears that can be waited for."""

import asyncio
from typing import Generic, TypeVar
from uuid import UUID

from events import Record

T = TypeVar("T")
PATIENCE = 10
"""Seconds that a machine under load may take; nothing waits that long when it works."""


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
