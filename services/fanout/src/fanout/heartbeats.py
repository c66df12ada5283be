"""Each connection holds a lease, which says whose it is and where; it is extended once an interval."""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from functools import partial

from events import subjects
from events.leases import Leases
from events.presence import Lease
from fanout.window import Refusals, Window

TURN_SECONDS = 0.05
"""Changes of this time are sent together; the leases that are extended in it are one slot."""

CLOSE_SECONDS = 5.0
"""To end all leases: 50,000 take about half of it."""

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Held:
    connection: str
    key: str
    slot: "set[_Held]"
    """Those that are extended at the same time."""
    value: bytes = b""
    sent: int = 0
    """Times that something was; without one the bucket cannot have it."""
    taken: bytes | None = None
    """The value that the bucket has, as far as is known."""
    refused: bool = False
    """There is no room for `value`: what was taken is extended instead, this once."""
    queued: bool = False
    dropped: float | None = 0.0
    """When it was; it stays until the bucket has certainly forgotten it. `None` while it is held."""


@dataclass(slots=True)
class Figures:
    """Read by metrics."""

    leases: int = 0
    """Held now."""
    beats: int = 0
    """Leases begun or extended, and confirmed."""


class Heartbeats:
    """The leases of an app's connections here.

    What is sent of a lease is what holds when it is sent, never what held when it became due, and all is
    sent from one place: nothing can bring back a connection that was dropped.

    What a full bucket refuses waits for its next slot, and delays nobody. If that is another value of a
    lease that the bucket has, it is extended with the one it has until then.
    """

    def __init__(self, leases: Leases, app: str, *, ttl: float, interval: float) -> None:
        """Every lease is extended by `ttl` seconds once in `interval`. Raise `ValueError` if that is late."""
        if not 0 < interval <= ttl / 2:
            raise ValueError("the interval of heartbeats must be at most half of their time to live")
        self._leases = leases
        self._app = app
        self._ttl = ttl
        self._interval = interval
        self._slots: list[set[_Held]] = [set() for _ in range(max(1, round(interval / TURN_SECONDS)))]
        self._turn = interval / len(self._slots)
        self._turned = 0.0
        """The loop's time at which the last slot was due."""
        self._slot = self._filled = 0
        self._held: dict[str, _Held] = {}
        """By connection, those that were dropped too."""
        self._due: deque[_Held] = deque()
        self._some = asyncio.Event()
        self._sending = asyncio.Lock()
        self._window = Window("heartbeats", self._renew)
        self._refusals = Refusals("leases", calm=2 * interval)
        self._renewed: float | None = None
        self._closed = False
        self.figures = Figures()

    @property
    def failures(self) -> int:
        """Times that something was not confirmed."""
        return self._window.failures

    def hold(self, connection: str, lease: Lease) -> None:
        """Begin the connection's lease, or replace its value; nothing happens once closed."""
        if self._closed:
            return
        value, held = lease.encode(), self._held.get(connection) or self._new(connection, lease.user)
        if held.dropped is None and held.value == value:
            return
        if held.dropped is not None:
            self.figures.leases += 1
        held.value, held.dropped, held.refused = value, None, False
        self._queue(held)

    def drop(self, connection: str) -> None:
        """End its lease, if it has one."""
        held = self._held.get(connection)
        if held is None or held.dropped is not None:
            return
        held.dropped = asyncio.get_running_loop().time()
        self.figures.leases -= 1
        if held.sent:
            self._queue(held)
        else:
            self._forget(held)

    async def run(self) -> None:
        """Keep the leases until cancelled."""
        while True:
            await self._some.wait()
            await asyncio.sleep(self._turn)
            async with self._sending:
                await self._send()
            if not self._held:
                self._some.clear()

    async def close(self) -> None:
        """End all leases, within `CLOSE_SECONDS`; those that are left then expire."""
        self._closed = True
        for connection in list(self._held):
            self.drop(connection)
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                while self._held:
                    async with self._sending:
                        await self._send()
                    await self._window.flush()
                    await asyncio.sleep(self._turn if self._held else 0)
        except TimeoutError:
            log.warning("%d leases could not be ended: they will expire", len(self._held))

    # What is due

    def _new(self, connection: str, user: str) -> _Held:
        """The slots take turns: however many come at once, they are spread over the interval."""
        self._filled = (self._filled + 1) % len(self._slots)
        slot = self._slots[self._filled]
        held = _Held(connection, subjects.lease(self._app, user, connection), slot)
        self._held[connection] = held
        slot.add(held)
        return held

    def _advance(self) -> None:
        """The leases of the slots whose time has come are due; after a stall all of them, once."""
        now = asyncio.get_running_loop().time()
        turns = int((now - self._turned) / self._turn)
        self._turned += turns * self._turn
        for _ in range(min(turns, len(self._slots))):
            self._slot = (self._slot + 1) % len(self._slots)
            for held in list(self._slots[self._slot]):
                if held.dropped is not None and held.dropped + 2 * self._ttl < now:
                    self._forget(held)
                else:
                    self._queue(held)

    def _renew(self) -> None:
        """The bucket may have lost any. Once an interval: a server that is only slow is not to be flooded."""
        now = asyncio.get_running_loop().time()
        if self._renewed is None or now >= self._renewed + self._interval:
            self._renewed = now
            for held in self._held.values():
                self._queue(held)

    def _queue(self, held: _Held) -> None:
        if not held.queued:
            held.queued = True
            self._due.append(held)
            self._some.set()

    def _forget(self, held: _Held) -> None:
        if self._held.get(held.connection) is held:
            del self._held[held.connection]
        held.slot.discard(held)

    # Sending

    async def _send(self) -> None:
        self._advance()
        while self._due:
            await self._window.ready()
            self._advance()
            held = self._due.popleft()
            held.queued = False
            if self._held.get(held.connection) is held:
                await self._send_one(held)

    async def _send_one(self, held: _Held) -> None:
        held.sent += 1
        if held.dropped is None:
            await self._extend(held)
        else:
            await self._end(held)

    async def _extend(self, held: _Held) -> None:
        value = held.taken if held.refused and held.taken is not None else held.value
        held.refused = False
        extend = partial(self._leases.extend, held.key, value, self._ttl)
        extended, refused = partial(self._extended, held, value), partial(self._refused, held, value)
        await self._window.send(extend, extended, refused)

    async def _end(self, held: _Held) -> None:
        end = partial(self._leases.end, held.key)
        ended, refused = partial(self._ended, held, held.sent), partial(self._not_ended, held, held.sent)
        await self._window.send(end, ended, refused)

    def _extended(self, held: _Held, value: bytes, confirmed: bool) -> None:
        if confirmed:
            self.figures.beats += 1
            held.taken = value
        else:
            self._queue(held)

    def _refused(self, held: _Held, value: bytes) -> None:
        self._refusals.note()
        if held.dropped is None and value == held.value and held.taken not in (None, value):
            held.refused = True
            self._queue(held)

    def _not_ended(self, held: _Held, sent: int) -> None:
        """A server has room for the end of what it has; a cluster refuses that too, so it is tried again."""
        if held.taken is None:
            self._ended(held, sent, confirmed=True)

    def _ended(self, held: _Held, sent: int, confirmed: bool) -> None:
        if not confirmed:
            self._queue(held)
            return
        held.taken = None
        if held.sent == sent and not held.queued:  # else it was held again meanwhile
            self._forget(held)
