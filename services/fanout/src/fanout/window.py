"""Sends to JetStream from one loop: many at once but not too many, and one at a time while it is away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from events import Full, StreamError

IN_FLIGHT = 256
"""Not yet confirmed; more adds latency and no throughput."""

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 1.0
"""Seconds from one try to the next while NATS is away."""

CALM_SECONDS = 2.0
"""Without a failure before an outage is said to have ended: a server may confirm some and not others."""

Sent = asyncio.Future[None]

Send = Callable[[], Awaitable[Sent]]

Settled = Callable[[bool], None]
"""Told whether it was confirmed."""

Refused = Callable[[], None]
"""Called if there is no room for it."""

log = logging.getLogger(__name__)


class Window:
    """One loop at a time waits for `ready`, decides what to send, and calls `send`."""

    def __init__(self, who: str, back: Callable[[], None]) -> None:
        """`who` waits for NATS, as the log says it; `back` is called when it confirms again."""
        self._who = who
        self._back = back
        self._in_flight = 0
        self._landed = asyncio.Event()
        self._away = False
        self._pause = FIRST_PAUSE
        self._said = False
        self._calm: asyncio.TimerHandle | None = None
        self.failures = 0

    async def ready(self) -> None:
        """Wait until one more may be sent."""
        if self._away:
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        await self._until(IN_FLIGHT - 1)

    async def send(self, send: Send, settled: Settled, full: Refused | None = None) -> None:
        """Hand it over, in the order of the calls, and tell one of the two what became of it.

        Without `full` it is a failure like any other that there is no room. While NATS is away this waits
        for the outcome.
        """
        trying = self._away
        land = partial(self._land, settled, full)
        self._in_flight += 1
        try:
            sent = await send()
        except StreamError as error:
            land(error)
        except BaseException:
            self._landed_one()
            settled(False)
            raise
        else:
            sent.add_done_callback(partial(self._settle, land, trying))
            if trying:
                await asyncio.wait([sent])

    async def flush(self) -> None:
        """Wait until what was sent is confirmed, or failed."""
        await self._until(0)

    async def _until(self, most: int) -> None:
        while self._in_flight > most:
            self._landed.clear()
            await self._landed.wait()

    def _settle(self, land: Callable[[BaseException | None], bool], trying: bool, sent: Sent) -> None:
        there = land(asyncio.CancelledError() if sent.cancelled() else sent.exception())
        if trying and there:
            self._end()

    def _land(self, settled: Settled, full: Refused | None, failure: BaseException | None) -> bool:
        """Whether NATS is there: who says that it is full is."""
        self._landed_one()
        self.failures += failure is not None
        if full is not None and isinstance(failure, Full):
            full()
            return True
        if failure is not None:
            self._begin(failure)
        settled(failure is None)
        return failure is None

    def _landed_one(self) -> None:
        self._in_flight -= 1
        self._landed.set()

    def _begin(self, reason: BaseException) -> None:
        self._away = True
        if self._calm is not None:
            self._calm.cancel()
        if not self._said:
            log.warning("%s wait for NATS: %s", self._who, reason)
            self._said = True

    def _end(self) -> None:
        self._away = False
        self._pause = FIRST_PAUSE
        self._calm = asyncio.get_running_loop().call_later(CALM_SECONDS, self._say_end)
        self._back()

    def _say_end(self) -> None:
        log.warning("%s have NATS again", self._who)
        self._said = False


class Refusals:
    """Says once that there is no room for some, and once that there is again; not of each of them."""

    def __init__(self, who: str, calm: float) -> None:
        """There is room again if `who` were refused nothing for `calm` seconds."""
        self._who = who
        self._calm = calm
        self._last = 0.0
        self._said = False

    def note(self) -> None:
        """One more was refused."""
        loop = asyncio.get_running_loop()
        self._last = loop.time()
        if not self._said:
            self._said = True
            log.warning("NATS has no room for all %s", self._who)
            loop.call_later(self._calm, self._look)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        left = self._last + self._calm - loop.time()
        if left > 0:
            loop.call_later(left, self._look)
        else:
            self._said = False
            log.warning("NATS has room for all %s again", self._who)
