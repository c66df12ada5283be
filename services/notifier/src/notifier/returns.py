"""The return of people to whom something is owed: what was delivered to them meanwhile is not pushed."""

import asyncio
import logging
from collections.abc import Iterable

from pydantic import ValidationError

from events import Wire, subjects
from events.presence import Joined
from notifier.errors import Unavailable
from notifier.matters import Place
from notifier.model import Presence
from notifier.outbox import Outbox
from notifier.presences import Presences

GATHER_SECONDS = 0.25

MOST = 5_000
"""Returns that are looked at together; of more at once, who is here is looked at when the push is due."""

log = logging.getLogger(__name__)


class Returns:
    def __init__(self, outbox: Outbox, presences: Presences, wire: Wire, app: str) -> None:
        self._outbox, self._presences, self._wire, self._app = outbox, presences, wire, app
        self._here: set[Place] = set()
        self._delivered: set[Place] = set()
        self.cancelled = 0

    def delivered(self, places: Iterable[Place]) -> None:
        """Something was delivered to people to whom a push is owed; they may be here."""
        self._delivered.update(places)

    async def run(self) -> None:
        """Hear who is here, until cancelled."""
        stop = await self._wire.listen(subjects.presence_of(self._app), self._heard)
        try:
            while True:
                await asyncio.sleep(GATHER_SECONDS)
                await self._cancel()
        finally:
            await stop()

    def _heard(self, subject: str, payload: bytes) -> None:
        _, room, transition = subjects.parts(subject)
        if transition == "left" or len(self._here) > MOST:
            return
        try:
            joined = Joined.decode(payload)
        except ValidationError as error:
            log.warning("not what presence says: %s", error.error_count())
            return
        self._here.update((room, one.user) for one in joined.people if one.activity == "active")

    async def _cancel(self) -> None:
        here, self._here = self._here, set()
        asked, self._delivered = self._delivered - here, set()
        presences = await self._presences.of(asked)
        here |= {place for place in asked if presences[place] is Presence.ACTIVE}
        if not here:
            return
        try:
            self.cancelled += await self._outbox.returned(sorted(here))
        except Unavailable as error:
            log.warning("returns are looked at when the push is due: %s", error)
