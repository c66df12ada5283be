"""What people have not read in all of their rooms, asked of the comments service."""

import asyncio
import logging
from collections.abc import Iterable, Mapping

from pydantic import ValidationError

from events import StreamError, Wire, subjects
from events.receipts import MAX_USERS, UnreadAnswer, UnreadRequest

ASK_SECONDS = 1.0
"""For one answer."""
PATIENCE_SECONDS = 2.0
"""For all: half the time for looking again before a push is sent (`MARGIN_SECONDS` of sending, less one)."""

log = logging.getLogger(__name__)


class Badges:
    def __init__(self, wire: Wire, app: str) -> None:
        self._wire, self._app = wire, app
        self.unanswered = 0

    async def of(self, users: Iterable[str]) -> Mapping[str, int]:
        """Unread comments of each user; who is left out is not known now."""
        distinct = list(dict.fromkeys(users))
        asked = [distinct[at : at + MAX_USERS] for at in range(0, len(distinct), MAX_USERS)]
        found: dict[str, int] = {}
        await asyncio.gather(*(self._find(users, found) for users in asked))
        return found

    async def _find(self, users: list[str], found: dict[str, int]) -> None:
        """What was found before an answer did not come is kept."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._ask(users, found)
        except (StreamError, ValidationError, TimeoutError) as error:
            self.unanswered += 1
            log.warning("pushes go without a badge: %s", type(error).__name__)

    async def _ask(self, users: list[str], found: dict[str, int]) -> None:
        """An empty answer may mean that a full one is too large: so half of the users are asked for.

        That of one user never is too large: if it is empty, nothing is known now, and nobody else asked for.
        """
        request = UnreadRequest(app=self._app, users=users).encode()
        data = await self._wire.request(subjects.UNREAD, request, ASK_SECONDS)
        try:
            answer = UnreadAnswer.decode(data)
        except ValidationError:
            if len(users) == 1:
                raise
            half = len(users) // 2
            for part in users[:half], users[half:]:
                await self._ask(part, found)
            return
        found.update({user: sum(room.unread for room in answer.users.get(user, ())) for user in users})
