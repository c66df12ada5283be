"""A connection's token, replaced before it expires."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable

from parley.api import Token, fetch
from parley.protocol import Failed

log = logging.getLogger("parley")


class Renewal:
    """Fetches a new token and presents it, until the server takes one or the connection ends.

    A token that was given as a string has no successor: the connection lasts as long as it does.
    """

    def __init__(
        self,
        token: Token,
        current: str,
        present: Callable[[str], Awaitable[Failed | None]],
        pause: Callable[[int, float], float],
    ) -> None:
        self._token = token
        self._current = current
        self._present = present
        self._pause = pause
        self._running: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """One at a time: while one is under way, this does nothing."""
        if self._running is None and not isinstance(self._token, str):
            self._running = asyncio.create_task(self._run())

    def end(self) -> None:
        if self._running is not None:
            self._running.cancel()

    async def _run(self) -> None:
        for attempt in itertools.count():
            after = await self._attempt()
            if after is None:
                break
            await asyncio.sleep(self._pause(attempt, after))
        self._running = None

    async def _attempt(self) -> float | None:
        """None if the server took a new token, else how many seconds it wants to be left alone."""
        try:
            token = await fetch(self._token)
        except Exception as error:  # noqa: BLE001  the application's function may raise anything
            log.warning("no new token yet, trying again: %r", error)
            return 0.0
        if token == self._current:  # its cache will let go of it in time
            return 0.0
        failed = await self._present(token)
        if failed is None:
            self._current = token
            return None
        log.warning("the server does not take the new token: %s: %s", failed.code, failed.message)
        return failed.after
