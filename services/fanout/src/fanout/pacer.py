"""Something that is done soon after it is called for, but not too often."""

import asyncio
from collections.abc import Callable
from math import inf


class Pacer:
    """Calls `act` `delay` seconds after `wake`, and `interval` seconds after the last time at the earliest.

    While nobody wakes it, it costs no timer.
    """

    def __init__(self, act: Callable[[], None], interval: float, delay: float = 0.0) -> None:
        self._act = act
        self._interval = interval
        self._delay = delay
        self._last = -inf
        self._timer: asyncio.TimerHandle | None = None

    def wake(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            at = max(loop.time() + self._delay, self._last + self._interval)
            self._timer = loop.call_at(at, self._run)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _run(self) -> None:
        self._timer = None
        self._last = asyncio.get_running_loop().time()
        self._act()
