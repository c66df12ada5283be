"""Outages of the servers that a loop stands on: said once when they begin and once when they end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from chassis.database import ERRORS, ailment

RETRY_SECONDS = 0.25
"""Pause after Postgres failed."""


class Outages:
    """Those that `who` is in."""

    def __init__(self, who: str, log: logging.Logger) -> None:
        self._who = who
        self._log = log
        self._missing: set[str] = set()

    async def attempt(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Whether Postgres let it be done; after a failure that will pass, wait a little."""
        try:
            await work()
        except ERRORS as error:
            if ailment(error) is None:
                raise
            self.began("Postgres", type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
            return False
        self.ended("Postgres")
        return True

    def began(self, server: str, reason: str) -> None:
        if server not in self._missing:
            self._log.warning("%s waits for %s: %s", self._who, server, reason)
            self._missing.add(server)

    def ended(self, server: str) -> None:
        if server in self._missing:
            self._log.warning("%s has %s again", self._who, server)
            self._missing.discard(server)
