"""The stream RECEIPTS in memory."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

from events.receipts import Taken
from events.stream import NotPublished, Rejected, StreamError
from events.testing_pulling import MemoryPulling


class MemoryReceipts:
    """`ReceiptStream`."""

    def __init__(self, is_away: Callable[[], bool]) -> None:
        self.messages: list[tuple[str, str, bytes]] = []
        """App, room and what was published."""
        self._is_away = is_away
        self._there = True
        self._pulling = MemoryPulling(self._held)

    async def ensure_receipts(self, *, replicas: int = 1) -> None:
        if self._is_away():
            raise StreamError("away")
        self._there = True

    async def publish_receipts(self, app: str, room: str, data: bytes) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._is_away() or not self._there:
            done.set_exception(NotPublished("away") if self._is_away() else Rejected("no stream listens"))
            return done
        self.messages.append((app, room, data))
        self._pulling.wake()
        done.set_result(None)
        return done

    async def take_receipts(self, app: str, durable: str, most: int, wait: float) -> Sequence[Taken]:
        pulled = await self._pulling.take(app, durable, most, wait)
        return [
            Taken(*self.messages[sequence - 1][1:], reply=reply, again=again)
            for sequence, reply, again in pulled
        ]

    async def confirm_receipts(self, taken: Sequence[Taken]) -> None:
        if self._is_away():
            raise StreamError("away")
        self._pulling.confirm(each.reply for each in taken)

    def remove(self) -> None:
        """Delete the stream."""
        self._there = False
        self.messages.clear()
        self._pulling.forget()

    def _held(self, app: str, after: int) -> Iterator[int]:
        if self._is_away() or not self._there:
            raise StreamError("away")
        sequences = range(after + 1, len(self.messages) + 1)
        return (sequence for sequence in sequences if self.messages[sequence - 1][0] == app)
