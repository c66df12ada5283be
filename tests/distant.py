"""A bucket of leases behind a connection that takes time, hangs, breaks and loses things."""

import asyncio
from collections import deque
from collections.abc import Mapping

from events import Full, NotPublished, Rejected, Stop
from events.leases import LeaseWatcher

LATENCY = 0.03
"""Seconds to the bucket."""

PATIENCE = 2.0
"""Seconds after which nobody waits for a confirmation any more."""

Confirmed = asyncio.Future[None]


class Distant:
    def __init__(self, latency: float = LATENCY) -> None:
        self.sent: list[tuple[float, str, bytes | None]] = []
        """Time, key and value of all that was sent; `None` is an end."""
        self.most = 0
        """That were in flight at once."""
        self.refused: set[str] = set()
        """Keys that the bucket has no room for."""
        self.full = False
        """It takes no other lease, and nothing that is larger than what it has."""
        self.missing = self.broken = self.frozen = False
        self._latency = latency
        self._kept: dict[str, tuple[bytes, float]] = {}
        self._way: deque[tuple[str, bytes | None, float, Confirmed]] = deque()
        self._in_flight = 0

    @property
    def live(self) -> Mapping[str, bytes]:
        now = asyncio.get_running_loop().time()
        return {key: value for key, (value, until) in self._kept.items() if until > now}

    def delete(self) -> None:
        """The bucket, with all that is in it."""
        self.missing = True
        self._kept.clear()

    def break_off(self, *, arrive: bool = False) -> None:
        """What is on its way is lost, or arrives and nobody hears that it has."""
        self.broken = True
        lost, self._way = self._way, deque()
        for key, value, ttl, confirmed in lost:
            _fail(confirmed, NotPublished("the connection broke"))
            if arrive:
                self._apply(key, value, ttl, confirmed)

    def suffer(self, trouble: str) -> None:
        """What may happen: `lose`, `break`, `freeze`, `delete`, `fill` and `mend`."""
        if trouble in ("lose", "break"):
            self.break_off(arrive=trouble == "break")
        elif trouble == "freeze":
            self.frozen = True
        elif trouble == "delete":
            self.delete()
        elif trouble == "fill":
            self.full = True
        else:
            self.mend()

    def mend(self) -> None:
        """What hung arrives now, what broke is connected again, what was deleted is there, and has room."""
        self.frozen = self.broken = self.missing = self.full = False
        while self._way:
            self._apply(*self._way.popleft())

    # The port

    async def extend(self, key: str, value: bytes, ttl: float) -> Confirmed:
        return self._send(key, value, ttl)

    async def end(self, key: str) -> Confirmed:
        return self._send(key, None, 0)

    def _send(self, key: str, value: bytes | None, ttl: float) -> Confirmed:
        loop = asyncio.get_running_loop()
        confirmed: Confirmed = loop.create_future()
        self.sent.append((loop.time(), key, value))
        if self.broken:
            _fail(confirmed, NotPublished("away"))
            return confirmed
        self._in_flight += 1
        self.most = max(self.most, self._in_flight)
        confirmed.add_done_callback(self._landed)
        self._way.append((key, value, ttl, confirmed))
        loop.call_later(self._latency, self._arrive)
        loop.call_later(PATIENCE, _fail, confirmed, NotPublished("no acknowledgement"))
        return confirmed

    def _landed(self, _: Confirmed) -> None:
        self._in_flight -= 1

    def _arrive(self) -> None:
        if self._way and not self.frozen:
            self._apply(*self._way.popleft())

    def _apply(self, key: str, value: bytes | None, ttl: float, confirmed: Confirmed) -> None:
        if self.missing:
            _fail(confirmed, Rejected("no stream listens"))
            return
        if not self._has_room(key, value or b""):
            _fail(confirmed, Full("maximum bytes exceeded"))
            return
        if value is None:
            self._kept.pop(key, None)
        else:
            self._kept[key] = value, asyncio.get_running_loop().time() + ttl
        if not confirmed.done():
            confirmed.set_result(None)

    def _has_room(self, key: str, value: bytes) -> bool:
        if key in self.refused:
            return False
        kept, until = self._kept.get(key, (b"", 0.0))
        there = until > asyncio.get_running_loop().time()
        return not self.full or (there and len(value) <= len(kept))

    async def ensure_leases(self) -> None:
        raise AssertionError("presence makes the bucket")

    async def watch_leases(self, app: str, watcher: LeaseWatcher) -> Stop:
        raise AssertionError("presence watches")

    async def take_lead(self, app: str, holder: str, ttl: float) -> bool:
        raise AssertionError("presence has a lead")

    async def leave_lead(self, app: str, holder: str) -> None:
        raise AssertionError("presence has a lead")


def _fail(confirmed: Confirmed, reason: NotPublished) -> None:
    if not confirmed.done():
        confirmed.set_exception(reason)
