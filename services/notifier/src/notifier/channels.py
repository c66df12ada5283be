"""All connections to push services: requests in, as many connections as they need and not more."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from notifier.endpoints import EndpointRefused, Origin
from notifier.wire import Connection, Exchange, NoAnswer, NotTaken, Request, Response

Dial = Callable[[Origin, Callable[[], None]], Awaitable[Connection]]
"""Raises `NotTaken` or `EndpointRefused`."""

PER_ORIGIN: Final = 16
"""Connections; those of HTTP/1.1 carry one request at a time."""
MOST: Final = 256
"""Connections in all."""
EXPECTED: Final = 100
"""Requests at once on a connection of which nothing is known yet."""
FIRST_PAUSE: Final = 0.1
"""Seconds after a connection could not be made until the next one is tried; doubled each time."""
LAST_PAUSE: Final = 5.0
"""Seconds; no pause is longer."""


class Channel:
    """The connections to one origin, and what waits for them."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.waiting: deque[Exchange] = deque()
        self.dials = 0
        self.carries = EXPECTED
        """Requests at once, as its last connection had it."""
        self.pause = 0.0
        """Seconds, the last one; none since a connection could be made."""
        self.resting = False
        """In a pause: none is made."""

    @property
    def unused(self) -> bool:
        return not (self.connections or self.waiting or self.dials or self.pause)

    @property
    def hopeless(self) -> bool:
        """There is no connection, and none is being made."""
        return not self.dials and not any(one.usable for one in self.connections)

    def prune(self) -> None:
        self.connections = [one for one in self.connections if one.usable or one.busy]

    def start(self) -> None:
        """What waits, in its order, on connections that have room."""
        for connection in self.connections:
            while self.waiting and connection.room:
                exchange = self.waiting.popleft()
                if not exchange.future.done():
                    connection.start(exchange)

    def fail(self, kind: type[Exception], reason: str) -> None:
        waiting, self.waiting = self.waiting, deque()
        for exchange in waiting:
            exchange.fail(kind(reason))


class Channels:
    def __init__(
        self, dial: Dial, *, patience: float, per_origin: int = PER_ORIGIN, most: int = MOST
    ) -> None:
        """A connection is made within `patience` seconds, or not at all."""
        self._dial, self._patience = dial, patience
        self._per_origin, self._most = per_origin, most
        self._channels: dict[Origin, Channel] = {}
        self._dials: set[asyncio.Task[None]] = set()
        self._starved: dict[Origin, None] = {}
        """Origins for which there is no room among all connections, the longest first."""
        self._closed = False

    @property
    def open(self) -> int:
        """Connections, and those that are being made."""
        return sum(len(one.connections) + one.dials for one in self._channels.values())

    async def ask(self, origin: Origin, request: Request, *, within: float) -> Response:
        """Answer within so many seconds. Raise `NotTaken`, `NoAnswer` or `EndpointRefused`."""
        if self._closed:
            raise NotTaken("closed")
        exchange = Exchange(request, asyncio.get_running_loop().create_future())
        channel = self._channels.setdefault(origin, Channel())
        if channel.resting and channel.hopeless:
            raise NotTaken("no connection could be made just now")
        channel.waiting.append(exchange)
        self._go_on(origin)
        try:
            async with asyncio.timeout(within):
                return await exchange.future
        except TimeoutError:
            reason = f"no answer in {within:g} s"
            raise (NoAnswer(reason) if exchange.handed else NotTaken(reason)) from None
        finally:
            if exchange.future.cancelled():
                self._abandon(channel, exchange)

    async def close(self) -> None:
        """What is not answered is lost."""
        self._closed = True
        for task in list(self._dials):
            task.cancel()
        for channel in list(self._channels.values()):
            channel.fail(NotTaken, "closed")
            for connection in list(channel.connections):
                connection.close()
        await asyncio.gather(*self._dials, return_exceptions=True)

    def _abandon(self, channel: Channel, exchange: Exchange) -> None:
        if exchange in channel.waiting:
            channel.waiting.remove(exchange)
        for connection in list(channel.connections):
            connection.abandon(exchange)

    def _go_on(self, origin: Origin) -> None:
        """Whenever something may have changed: begin what can be begun, dial where that is not enough."""
        channel = self._channels.get(origin)
        if channel is None:
            return
        channel.start()
        channel.prune()
        while not self._closed and self._lacks(channel):
            if self.open >= self._most and not self._evict():
                self._starved[origin] = None
                break
            self._make(origin, channel)
        if channel.unused:
            self._channels.pop(origin, None)
        self._feed()

    def _feed(self) -> None:
        """Whoever has waited longest for a connection, in all, looks again."""
        if self._starved and (self.open < self._most or self._idle()):
            origin = next(iter(self._starved))
            del self._starved[origin]
            asyncio.get_running_loop().call_soon(self._go_on, origin)

    def _lacks(self, channel: Channel) -> bool:
        """Whether more waits than the connections that are being made will carry."""
        usable = sum(one.usable for one in channel.connections)
        return (
            not channel.resting
            and len(channel.waiting) > channel.dials * channel.carries
            and usable + channel.dials < self._per_origin
        )

    def _make(self, origin: Origin, channel: Channel) -> None:
        channel.dials += 1
        task = asyncio.create_task(self._connect(origin, channel))
        self._dials.add(task)
        task.add_done_callback(self._dials.discard)

    def _evict(self) -> bool:
        """Close a connection that nobody uses; whether there was one."""
        connection = self._idle()
        if connection is None:
            return False
        connection.close()
        for channel in self._channels.values():
            channel.prune()
        return True

    def _idle(self) -> Connection | None:
        each = (one for channel in self._channels.values() for one in channel.connections)
        return next((one for one in each if one.usable and not one.busy), None)

    async def _connect(self, origin: Origin, channel: Channel) -> None:
        failed: Exception | None = None
        try:
            async with asyncio.timeout(self._patience):
                connection = await self._dial(origin, lambda: self._go_on(origin))
            channel.connections.append(connection)
            channel.pause = 0.0
            channel.carries = max(connection.room, 1)
        except (NotTaken, EndpointRefused) as error:
            failed = error
        except TimeoutError:
            failed = NotTaken("no connection in time")
        finally:
            channel.dials -= 1
        if isinstance(failed, NotTaken):
            self._rest(origin, channel)
        if failed and (channel.hopeless or isinstance(failed, EndpointRefused)):
            channel.fail(type(failed), str(failed))
        self._go_on(origin)

    def _rest(self, origin: Origin, channel: Channel) -> None:
        """None is made for a while, however much waits."""
        if not channel.resting:
            channel.resting = True
            channel.pause = min(max(FIRST_PAUSE, 2 * channel.pause), LAST_PAUSE)
            asyncio.get_running_loop().call_later(channel.pause, self._rested, origin, channel)

    def _rested(self, origin: Origin, channel: Channel) -> None:
        """If the next one cannot be made either, the pause is longer; that is remembered as long again."""
        channel.resting = False
        self._go_on(origin)
        asyncio.get_running_loop().call_later(channel.pause, self._forget, origin, channel)

    def _forget(self, origin: Origin, channel: Channel) -> None:
        if not channel.resting:
            channel.pause = 0.0
            self._go_on(origin)
