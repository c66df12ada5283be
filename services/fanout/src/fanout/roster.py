"""All connections of this process, whatever they speak: who comes in, what all are told, how they leave."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chassis.limits import Rate
from fanout.members import Sink

WAVE_SECONDS = 1.0
"""Between two waves of a drain."""

AWAY_SECONDS = 0.5
"""At least, until those who were sent elsewhere come back: a balancer may still send them here."""

SMALL_WAVE = 100
"""Connections in a wave at least: a few of them need no window."""

PROMISED = 0.9
"""Share of the rate that is promised to those who wait; the rest is for those who come unasked."""


class Pace:
    """Lets `rate` in; whoever comes beyond that is given a place in a queue that moves at the same pace."""

    def __init__(self, rate: Rate) -> None:
        self._interval = 1 / rate.per_second
        self._depth = (rate.burst - 1) * self._interval
        self._full_at = 0.0
        self._promised = 0.0

    def take(self, now: float) -> float:
        """Seconds to wait; 0 means: come in. `now` is on any clock that never goes back."""
        full_at = max(self._full_at, now)
        if full_at - now <= self._depth:
            self._full_at = full_at + self._interval
            return 0.0
        self._promised = max(self._promised, now) + self._interval / PROMISED
        return self._promised - now


@dataclass(slots=True)
class Figures:
    """Read by metrics."""

    accepted: int = 0
    busy: int = 0
    """Those who were asked to come later."""
    drained: int = 0
    """Those who were asked to go elsewhere."""
    slow: int = 0
    """Those who took nothing for too long."""


class Roster:
    """At most `limit` connections, and no more new ones at a time than `pace` lets in."""

    def __init__(self, limit: int, pace: Pace | None) -> None:
        self._limit = limit
        self._pace = pace
        self._sinks: dict[Sink, None] = {}
        self._emptied = asyncio.Event()
        self._emptied.set()
        self.draining = False
        self.degraded = False
        """Live events have stopped; each new connection is told too."""
        self.figures = Figures()

    @property
    def open(self) -> int:
        return len(self._sinks)

    @property
    def full(self) -> bool:
        return len(self._sinks) >= self._limit

    def admit(self, now: float) -> float:
        """Seconds until somebody who comes now may come in; 0 is at once."""
        wait = self._pace.take(now) if self._pace is not None else 0.0
        if wait > 0:
            self.figures.busy += 1
        return wait

    def add(self, sink: Sink) -> None:
        self._sinks[sink] = None
        self._emptied.clear()
        self.figures.accepted += 1

    def remove(self, sink: Sink) -> None:
        self._sinks.pop(sink, None)
        if not self._sinks:
            self._emptied.set()

    def degrade(self) -> None:
        """Tell everybody that live events have stopped."""
        self.degraded = True
        for sink in list(self._sinks):
            sink.degraded()

    def restore(self) -> None:
        """Tell everybody that they flow again."""
        self.degraded = False
        for sink in list(self._sinks):
            sink.restored()

    async def drain(self, window: float) -> None:
        """Send everybody elsewhere in waves, within `window` seconds; return when all have gone."""
        self.draining = True
        for index, wave in enumerate(waves(list(self._sinks), window)):
            if index:
                await asyncio.sleep(WAVE_SECONDS)
            self.figures.drained += len(wave)
            for place, sink in enumerate(wave):
                sink.retire(AWAY_SECONDS + WAVE_SECONDS * place / len(wave))
        await self._emptied.wait()


def waves(sinks: Sequence[Sink], window: float) -> Iterator[Sequence[Sink]]:
    """Equal shares, one each `WAVE_SECONDS`, that fit into the window; small ones are joined."""
    count = max(1, int(window / WAVE_SECONDS))
    size = max(SMALL_WAVE, -(-len(sinks) // count))
    for start in range(0, len(sinks), size):
        yield sinks[start : start + size]
