"""Who of a room's members is here and active, asked of the presence service."""

import asyncio
import logging
from collections.abc import Iterable, Mapping

from pydantic import ValidationError

from events import StreamError, Wire, subjects
from events.presence import MAX_ASKED, PresenceAnswer, PresenceQuery
from notifier.model import Presence

ASK_SECONDS = 1.0

AWAY_SECONDS = 2.0
"""For which nobody is asked after there was no answer: a batch must not wait for each of its rooms."""

log = logging.getLogger(__name__)

Place = tuple[str, str]
"""Room and user."""


class Presences:
    def __init__(self, wire: Wire, app: str) -> None:
        self._wire, self._app = wire, app
        self._away_until = 0.0
        self.unanswered = 0

    async def of(self, places: Iterable[Place]) -> Mapping[Place, Presence]:
        """Of every place; `UNKNOWN` where presence does not answer."""
        rooms: dict[str, list[str]] = {}
        for room, user in dict.fromkeys(places):
            rooms.setdefault(room, []).append(user)
        asked = [
            (room, users[at : at + MAX_ASKED])
            for room, users in rooms.items()
            for at in range(0, len(users), MAX_ASKED)
        ]
        found: dict[Place, Presence] = {}
        for answer in await asyncio.gather(*(self._ask(room, users) for room, users in asked)):
            found |= answer
        return found

    async def _ask(self, room: str, users: list[str]) -> Mapping[Place, Presence]:
        now = asyncio.get_running_loop().time()
        answer = None if now < self._away_until else await self._answer(room, users)
        if answer is None:
            return {(room, user): Presence.UNKNOWN for user in users}
        active = {one.user for one in answer.asked if one.here and one.activity == "active"}
        return {(room, user): Presence.ACTIVE if user in active else Presence.AWAY for user in users}

    async def _answer(self, room: str, users: list[str]) -> PresenceAnswer | None:
        request = PresenceQuery(app=self._app, room=room, users=users).encode()
        try:
            return PresenceAnswer.decode(
                await self._wire.request(subjects.PRESENCE_QUERY, request, ASK_SECONDS)
            )
        except (StreamError, ValidationError) as error:  # an empty answer, too, is none
            self.unanswered += 1
            self._away_until = asyncio.get_running_loop().time() + AWAY_SECONDS
            log.warning("presence does not say who is here: %s", type(error).__name__)
            return None
