"""Writes down when people were last here: their keys expire, this does not."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from chassis.identity import MAX_USER
from events import StreamError
from events.leases import LastSeen
from presence.rules import Rules
from presence.sightings import Seen, Sightings, merge, read

TICK_SECONDS = 1.0
"""What happened meanwhile is written at once."""

AT_ONCE = 100
"""As many as the port may be asked for."""

log = logging.getLogger(__name__)


class Diary:
    """Written by the replica that leads, read by all."""

    def __init__(
        self, last_seen: LastSeen, app: str, rules: Rules, sightings: Sightings, *, rooms: int
    ) -> None:
        """Of each user the `rooms` where they were last are kept."""
        self._last_seen, self._app = last_seen, app
        self._rules, self._sightings = rules, sightings
        self._rooms = rooms
        self._away = False
        self.written = 0
        """Values."""

    async def seen(self, users: Sequence[str]) -> Mapping[str, Seen]:
        """What is written of those users of whom something is, or is about to be. Raise `StreamError`."""
        found: dict[str, Seen] = {}
        possible = [user for user in users if 0 < len(user) <= MAX_USER]
        for start in range(0, len(possible), AT_ONCE):
            values = await self._last_seen.when_seen(self._app, possible[start : start + AT_ONCE])
            found |= {user: seen for user, value in values.items() if (seen := read(value)) is not None}
        for user in possible:
            if rooms := self._sightings.of(user):
                found[user] = merge(found.get(user), rooms, self._rooms)
        return found

    async def run(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if self._rules.leading:
                self._sightings.turn(self._rules.crowd.places, TICK_SECONDS, datetime.now(UTC))
                await self._write_all()
            else:
                self._sightings.clear()

    async def _write_all(self) -> None:
        while some := self._sightings.take(AT_ONCE):
            if not await self._attempt(some):
                return

    async def _attempt(self, some: Mapping[str, Mapping[str, datetime]]) -> bool:
        """Whether it is written; else these wait again."""
        try:
            await self._write(some)
        except StreamError as error:
            if not self._away:
                log.warning("last seen cannot be written: %s", error)
            self._away = True
            for user, rooms in some.items():
                for room, at in rooms.items():
                    self._sightings.saw(room, user, at)
            return False
        self._away = False
        return True

    async def _write(self, some: Mapping[str, Mapping[str, datetime]]) -> None:
        before = await self.seen(list(some))
        futures = []
        for user, rooms in some.items():
            seen = merge(before.get(user), rooms, self._rooms)
            value = seen.model_dump_json().encode()
            futures.append(await self._last_seen.seen(self._app, user, value))
        for outcome in await asyncio.gather(*futures, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
        self.written += len(futures)
