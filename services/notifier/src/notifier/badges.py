"""What people have not read in all of their rooms, asked of the comments service."""

import asyncio
import logging
from collections.abc import Iterable, Mapping

from pydantic import ValidationError

from events import StreamError, Wire, subjects
from events.receipts import MAX_USERS, UnreadAnswer, UnreadRequest

ASK_SECONDS = 1.0

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
        for answer in await asyncio.gather(*map(self._ask, asked)):
            found |= answer
        return found

    async def _ask(self, users: list[str]) -> Mapping[str, int]:
        request = UnreadRequest(app=self._app, users=users).encode()
        try:
            answer = UnreadAnswer.decode(await self._wire.request(subjects.UNREAD, request, ASK_SECONDS))
        except (StreamError, ValidationError) as error:  # an empty answer, too, is none
            self.unanswered += 1
            log.warning("pushes go without a badge: %s", type(error).__name__)
            return {}
        return {user: sum(room.unread for room in answer.users.get(user, ())) for user in users}
