"""A bounded queue between one task that fills it and those that read it, which either side can end."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[T] = deque()
        self._end: Exception | None = None
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    async def put(self, item: T) -> None:
        """Wait while the queue is full. What comes after the end is dropped: nobody will read it."""
        while len(self._items) >= self._limit and self._end is None:
            self._emptied.clear()
            await self._emptied.wait()
        if self._end is None:
            self._items.append(item)
            self._filled.set()

    async def take(self) -> T:
        """The oldest item; after the last one, raise what `end` was given."""
        while not self._items:
            if self._end is not None:
                raise self._end
            self._filled.clear()
            await self._filled.wait()
        self._emptied.set()
        return self._items.popleft()

    def end(self, error: Exception) -> None:
        """The first end counts: `take` raises it once the queue is empty."""
        self._end = self._end or error
        self._filled.set()
        self._emptied.set()

    def discard(self) -> None:
        self._items.clear()
