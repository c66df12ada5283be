"""The stream RECEIPTS in memory."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from events import storage
from events.receipts import Taken
from events.stream import NotPublished, Rejected, StreamError


@dataclass
class _Consumer:
    position: int = 0
    """Messages of the stream that were taken at least once."""
    unconfirmed: dict[int, float] = field(default_factory=dict)
    """When what was taken comes again, by its index in the stream."""


class MemoryReceipts:
    """`ReceiptStream`; what is not confirmed comes again by the event loop's clock."""

    def __init__(self, is_away: Callable[[], bool]) -> None:
        self.messages: list[tuple[str, str, bytes]] = []
        """App, room and what was published."""
        self._is_away = is_away
        self._there = True
        self._consumers: dict[str, _Consumer] = {}
        self._news = asyncio.Event()

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
        self._news.set()
        done.set_result(None)
        return done

    async def take_receipts(self, app: str, durable: str, most: int, wait: float) -> Sequence[Taken]:
        loop = asyncio.get_running_loop()
        until = loop.time() + wait
        while not (taken := self._take(app, durable, most)):
            self._news.clear()
            again = self._consumers[durable].unconfirmed.values()
            waits = asyncio.timeout_at(min(until, *again) if again else until)
            try:
                async with waits:
                    await self._news.wait()
            except TimeoutError:
                if loop.time() >= until:
                    return self._take(app, durable, most)
        return taken

    async def confirm_receipts(self, taken: Sequence[Taken]) -> None:
        if self._is_away():
            raise StreamError("away")
        for each in taken:
            durable, _, index = each.reply.rpartition(" ")
            if durable in self._consumers:
                self._consumers[durable].unconfirmed.pop(int(index), None)

    def remove(self) -> None:
        """Delete the stream."""
        self._there = False
        self.messages.clear()
        self._consumers.clear()

    def _take(self, app: str, durable: str, most: int) -> list[Taken]:
        if self._is_away() or not self._there:
            raise StreamError("away")
        consumer, now = self._consumers.setdefault(durable, _Consumer()), asyncio.get_running_loop().time()
        again = [index for index, at in consumer.unconfirmed.items() if at <= now]
        new = [at for at in range(consumer.position, len(self.messages)) if self.messages[at][0] == app]
        chosen = [*again, *new][:most]
        consumer.position = max([consumer.position, *(index + 1 for index in chosen)])
        consumer.unconfirmed.update(dict.fromkeys(chosen, now + storage.CONFIRM_SECONDS))
        return [self._taken(durable, index, again=index in again) for index in chosen]

    def _taken(self, durable: str, index: int, *, again: bool) -> Taken:
        _, room, data = self.messages[index]
        return Taken(room, data, f"{durable} {index}", again)
