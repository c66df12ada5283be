"""Durable consumers of a stream in memory; what is not confirmed comes again by the event loop's clock."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from events import storage

Pulled = tuple[int, str, bool]
"""A sequence of the stream, the reply that confirms it, and whether it was taken before."""


@dataclass
class _Consumer:
    position: int = 0
    """The last sequence that was taken at least once."""
    unconfirmed: dict[int, float] = field(default_factory=dict)
    """When what was taken comes again, by sequence."""


class MemoryPulling:
    """`held` gives what the stream holds of an app beyond a sequence, in order, or raises `StreamError`."""

    def __init__(self, held: Callable[[str, int], Iterable[int]]) -> None:
        self._held = held
        self._consumers: dict[str, _Consumer] = {}
        self._news = asyncio.Event()

    def wake(self) -> None:
        """There may be something new."""
        self._news.set()

    def forget(self) -> None:
        """The stream was deleted, and its consumers with it."""
        self._consumers.clear()

    async def take(self, app: str, durable: str, most: int, wait: float) -> list[Pulled]:
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

    def confirm(self, replies: Iterable[str]) -> None:
        for reply in replies:
            durable, _, sequence = reply.rpartition(" ")
            if durable in self._consumers:
                self._consumers[durable].unconfirmed.pop(int(sequence), None)

    def _take(self, app: str, durable: str, most: int) -> list[Pulled]:
        held = self._held
        held(app, 0)  # raises if there is no stream: it makes no consumer either
        consumer, now = self._consumers.setdefault(durable, _Consumer()), asyncio.get_running_loop().time()
        again = [sequence for sequence, at in consumer.unconfirmed.items() if at <= now]
        chosen = [*again, *held(app, consumer.position)][:most]
        consumer.position = max([consumer.position, *chosen])
        consumer.unconfirmed.update(dict.fromkeys(chosen, now + storage.CONFIRM_SECONDS))
        return [(sequence, f"{durable} {sequence}", sequence in again) for sequence in chosen]
