"""Which replica says who joined and left: the one that holds the lead, until it does not renew it."""

import asyncio
import logging
import secrets

from events import StreamError
from events.leases import Leases
from presence.rules import Rules

LEAVE_SECONDS = 1.0
"""Of a process that stops; its lead ends anyhow."""

log = logging.getLogger(__name__)


class Lead:
    def __init__(self, leases: Leases, app: str, rules: Rules, *, ttl: float) -> None:
        """It is taken for `ttl` seconds, and renewed three times in these."""
        self._leases, self._app, self._rules = leases, app, rules
        self._ttl = ttl
        self._holder = secrets.token_hex(8)
        self._until = 0.0
        self._again = asyncio.Event()
        self._away = False

    def check(self, now: float) -> None:
        """Stop to lead at once if the time is over: somebody else may have begun."""
        if self._rules.leading and now >= self._until:
            self._follow("it was not renewed in time")

    def take_again(self) -> None:
        """A lead that was held may be worth nothing any more."""
        self._again.set()

    async def run(self) -> None:
        try:
            while True:
                self._again.clear()
                await self._try()
                await self._pause()
        finally:
            await self._leave()

    async def _try(self) -> None:
        asked = asyncio.get_running_loop().time()
        try:
            taken = await self._leases.take_lead(self._app, self._holder, self._ttl)
        except StreamError as error:
            self._say_away(str(error))
            return
        self._away = False
        if self._again.is_set():
            return
        if not taken:
            self._follow("somebody else has it")
            return
        self._until = asked + self._ttl
        if not self._rules.leading:
            log.info("the lead is taken", extra={"holder": self._holder})
            self._rules.lead()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._ttl / 3.3):
                await self._again.wait()
        except TimeoutError:
            return

    def _follow(self, reason: str) -> None:
        if self._rules.leading:
            log.warning("the lead is lost: %s", reason, extra={"holder": self._holder})
            self._rules.follow()

    def _say_away(self, reason: str) -> None:
        if not self._away:
            log.warning("the lead cannot be asked for: %s", reason)
            self._away = True

    async def _leave(self) -> None:
        """So that another replica need not wait."""
        if not self._rules.leading:
            return
        self._rules.follow()
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._leases.leave_lead(self._app, self._holder)
        except (StreamError, TimeoutError) as error:
            log.warning("the lead could not be left: %s", error)
