"""Until when a native connection may stay: until it has connected, then as long as its token lasts."""

import asyncio
import time
from collections.abc import Callable

from fanout import native
from fanout.closes import Close
from fanout.sockets import Socket


class Deadline:
    """Closes with `close` when time is up; one timer, whatever it waits for."""

    __slots__ = ("_close", "_socket", "_timer")

    def __init__(self, socket: Socket, close: Callable[[Close], None]) -> None:
        self._socket = socket
        self._close = close
        self._timer: asyncio.TimerHandle | None = None

    def await_connect(self, seconds: float) -> None:
        self._later(seconds, lambda: self._close(Close.NO_CONNECT))

    def await_expiry(self, expires: float, warning: float) -> float:
        """Return the seconds left; `warning` seconds before, or at half of them, the client is told.

        `expires` is in seconds since the epoch.
        """
        left = max(0.0, expires - time.time())
        ahead = min(warning, left / 2)
        self._later(left - ahead, lambda: self._warn(ahead))
        return left

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _warn(self, left: float) -> None:
        self._socket.send(native.expiring(left))
        self._later(left, lambda: self._close(Close.TOKEN_EXPIRED))

    def _later(self, seconds: float, then: Callable[[], None]) -> None:
        self.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, then)
