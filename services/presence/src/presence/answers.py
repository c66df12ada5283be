"""Who is here, for whoever asks: by request-reply or over HTTP."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from events import StreamError
from events.presence import PresenceAnswer, Present
from presence.diary import Diary
from presence.errors import NotKnown
from presence.rules import Rules
from presence.sightings import Seen
from presence.transitions import MESSAGE_BYTES
from presence.views import UserPresence

log = logging.getLogger(__name__)


class Answers:
    def __init__(self, rules: Rules, diary: Diary, *, devices: int, rooms: int) -> None:
        """Of a user's connections the `devices` newest are listed, and at most so many rooms."""
        self._rules, self._diary = rules, diary
        self._devices, self._rooms = devices, rooms

    @property
    def known(self) -> bool:
        return self._rules.known

    def page(self, room: str, after: str, limit: int) -> PresenceAnswer:
        """People by user id; fewer if so many do not fit into a message."""
        found = self._rules.crowd.rooms.get(room)
        if found is None:
            return PresenceAnswer(count=0)
        people, more = found.page(after, limit) if limit else ([], False)
        answer = PresenceAnswer(count=len(found.standings), people=people, more=more)
        while len(people) > 1 and len(answer.encode()) > MESSAGE_BYTES:
            people = people[: len(people) // 2]
            answer = PresenceAnswer(count=answer.count, people=people, more=True)
        return answer

    async def asked(self, room: str, users: Sequence[str]) -> PresenceAnswer:
        """These users, in that order; when they were last here is told if they have been in this room."""
        count = self._rules.crowd.count(room)
        seen = await self._seen([user for user in users if not self._here(room, user)])
        present = [self._present(room, user, seen.get(user)) for user in users]
        answer = PresenceAnswer(count=count, asked=present)
        if len(answer.encode()) > MESSAGE_BYTES:
            bare = [one.model_copy(update={"avatar": None, "devices": []}) for one in present]
            return PresenceAnswer(count=count, asked=bare)
        return answer

    async def user(
        self, user: str, shared: Callable[[str], bool]
    ) -> tuple[UserPresence, Mapping[str, datetime]]:
        """The user, with the rooms that are shared, and when they were in which rooms. Raise `NotKnown`."""
        crowd = self._rules.crowd
        rooms, connections = crowd.places.get(user, set()), crowd.of(user)
        try:
            seen = (await self._diary.seen([user])).get(user)
        except StreamError as error:
            raise NotKnown(str(error)) from error
        here = bool(rooms or connections)
        last_seen = datetime.now(UTC) if here else seen.at if seen else None
        active = any(one.activity == "active" for one in connections)
        found = UserPresence(
            user=user,
            here=here,
            activity=None if not here else "active" if active else "idle",
            rooms=sorted(filter(shared, rooms))[: self._rooms],
            devices=[one.shown() for one in connections[: self._devices]],
            last_seen=last_seen,
        )
        return found, seen.rooms if seen else {}

    def _here(self, room: str, user: str) -> bool:
        return self._rules.crowd.standing(room, user) is not None

    async def _seen(self, users: Sequence[str]) -> Mapping[str, Seen]:
        try:
            return await self._diary.seen(users)
        except StreamError as error:
            log.warning("last seen cannot be read: %s", error)
            return {}

    def _present(self, room: str, user: str, seen: Seen | None) -> Present:
        now = datetime.now(UTC)
        crowd = self._rules.crowd
        if self._here(room, user):
            who = crowd.rooms[room].person(user)
            devices = [one.shown() for one in crowd.of(user, room)][: self._devices]
            return Present(**dict(who), here=True, devices=devices, last_seen=now)
        if seen is None or room not in seen.rooms:
            return Present(user=user, activity="idle", here=False)
        return Present(user=user, activity="idle", here=False, last_seen=seen.rooms[room])
