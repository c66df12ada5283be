"""What is loaded from a service when it is wanted: one question at a time, until there is an answer."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from math import inf

from events import NoAnswer
from fanout.tasks import Tasks

SPACING = 1.0
"""Seconds at least from one question to the next."""

RETRY_SECONDS = 0.5
"""After a question that was not answered; twice as long after each, up to `PATIENT_SECONDS`."""

PATIENT_SECONDS = 4.0
MAX_DOUBLINGS = 10


class Loading:
    """`load` asks, and raises `NoAnswer`."""

    def __init__(self, load: Callable[[], Awaitable[None]], tasks: Tasks) -> None:
        self._load = load
        self._tasks = tasks
        self._last = -inf
        self._running = False
        self._again = inf
        """When to ask anew, if that was wanted while the question was on its way."""
        self._vain = 0
        self._timer: asyncio.TimerHandle | None = None
        self.closed = False
        self.tried = asyncio.Event()
        """Set once the first question was answered, or was not."""

    def want(self, delay: float = 0.0) -> None:
        """What is known may be another in `delay` seconds: ask then, or earlier if that is wanted too."""
        if self.closed:
            return
        now = asyncio.get_running_loop().time()
        at = max(now + delay, self._last + SPACING)
        if self._running:
            self._again = min(at, self._again)
        elif self._timer is None:
            self._begin_at(at)
        elif at < self._timer.when() and not self._vain:
            self._timer.cancel()
            self._begin_at(at)

    def close(self) -> None:
        self.closed = True
        self.tried.set()
        if self._timer is not None:
            self._timer.cancel()

    def _begin_at(self, at: float) -> None:
        loop = asyncio.get_running_loop()
        if at <= loop.time():
            self._begin()
        else:
            self._timer = loop.call_at(at, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._running = True
        self._last = asyncio.get_running_loop().time()
        self._again = inf
        self._tasks.spawn(self._run())

    async def _run(self) -> None:
        try:
            await self._load()
            self._vain = 0
        except NoAnswer:
            self._again = asyncio.get_running_loop().time() + pause(self._vain)
            self._vain += 1
        finally:
            self._running = False
            self.tried.set()
        if self._again < inf and not self.closed:
            self._begin_at(self._again)


def pause(vain: int) -> float:
    """Seconds until the next try after so many in vain; a little at random: all wait for the same service."""
    seconds = min(PATIENT_SECONDS, RETRY_SECONDS * 2.0 ** min(vain, MAX_DOUBLINGS))
    return seconds * random.uniform(0.75, 1)  # noqa: S311  jitter
