"""Follows the leases, and says who joined and who left, if this is the replica that leads."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from events import StreamError, Wire, subjects
from events.leases import Leases
from events.presence import Joined, Left
from presence.lead import Lead
from presence.rules import Rules
from presence.transitions import joined_messages, left_messages

log = logging.getLogger(__name__)


class Announcer:
    """A `LeaseWatcher`."""

    def __init__(
        self,
        app: str,
        rules: Rules,
        lead: Lead,
        leases: Leases,
        wire: Wire,
        *,
        gather: float,
    ) -> None:
        """Transitions are sent every `gather` seconds."""
        self._app, self._rules, self._lead = app, rules, lead
        self._leases, self._wire = leases, wire
        self._gather = gather
        self._held = False
        self.known = asyncio.Event()
        """Since it was known for the first time who is here."""
        self.joined = 0
        """Users who were said to have joined a room."""
        self.left = 0
        self.certain = False
        """Whether it is known what was announced, also by others."""
        self.restated = 0
        """Times that all were told to ask anew."""
        wire.disconnected(rules.doubt)
        wire.reconnected(self._missed)

    # What becomes of the leases

    def began(self, leases: Mapping[str, bytes], *, whole: bool) -> None:
        self._rules.began(leases, whole=whole, now=self._now())
        log.info("leases are followed", extra={"leases": len(leases), "whole": whole})
        self._lead.take_again()
        self._note()

    def extended(self, key: str, value: bytes) -> None:
        self._rules.extended(key, value, self._now())

    def ended(self, key: str, *, expired: bool) -> None:
        self._rules.ended(key, expired=expired, now=self._now())

    def lost(self) -> None:
        log.warning("leases cannot be followed: the bucket is gone, or NATS is away")
        self._rules.lost()
        self._lead.take_again()
        self._note()

    # What is said

    async def run(self) -> None:
        listen = self._wire.listen
        stops = [await listen(subjects.presence_of(self._app), self._heard)]
        stops.append(await listen(subjects.restated(self._app), self._heard_restated))
        stops.append(await self._leases.watch_leases(self._app, self))
        try:
            while True:
                await asyncio.sleep(self._gather)
                self._lead.check(self._now())
                self._rules.tick(self._now())
                self._note()
                await self._send()
        finally:
            for stop in stops:
                await stop()

    async def _send(self) -> None:
        for subject, payload in self._messages():
            if not self._rules.leading:  # any more, since the one before was sent
                self._rules.doubt()
                return
            try:
                await self._wire.send(subject, payload)
            except StreamError as error:
                log.warning("transitions could not be sent: %s", error)
                self._rules.doubt()
                return

    def _messages(self) -> list[tuple[str, bytes]]:
        """What waits to be said, as messages."""
        if not self._rules.said:
            return []
        found: list[tuple[str, bytes]] = []
        if self._rules.said.restated:
            log.warning("everybody is told to ask anew who is here")
            self.restated += 1
            found.append((subjects.restated(self._app), b""))
        for room, joined, left in self._rules.said.take():
            self.joined += len(joined)
            self.left += len(left)
            found += self._of_room(room, joined, left)
        for room, changed in self._rules.said.take_changed():
            found += self._looks(room, changed)
        return found

    def _looks(self, room: str, changed: Sequence[str]) -> list[tuple[str, bytes]]:
        """Whoever is shown there still, as they look now."""
        crowd = self._rules.crowd
        people = [crowd.rooms[room].person(user) for user in changed if crowd.standing(room, user)]
        subject = subjects.presence(self._app, room, "changed")
        return [(subject, payload) for payload in joined_messages(people, crowd.count(room))]

    def _of_room(self, room: str, joined: Sequence[str], left: Sequence[str]) -> list[tuple[str, bytes]]:
        crowd = self._rules.crowd
        people = [crowd.rooms[room].person(user) for user in joined]
        payloads = {
            "joined": joined_messages(people, crowd.count(room)),
            "left": left_messages(left, crowd.count(room)),
        }
        return [
            (subjects.presence(self._app, room, transition), payload)
            for transition, some in payloads.items()
            for payload in some
        ]

    # What is heard of the replica that leads

    def _heard(self, subject: str, payload: bytes) -> None:
        if self._rules.leading:
            return
        try:
            _, room, transition = subjects.parts(subject)
            if transition == "joined":
                self._rules.heard_joined(room, Joined.decode(payload).people, self._now())
            elif transition == "left":
                self._rules.heard_left(room, Left.decode(payload).users, self._now())
        except ValueError:
            log.warning("a transition cannot be read", extra={"subject": subject})

    def _heard_restated(self, _subject: str, _payload: bytes) -> None:
        self._rules.heard_restated(self._now())

    def _missed(self) -> None:
        """Some of what another one said; what this one says is not less certain for that."""
        if not self._rules.leading:
            self._rules.doubt()

    def _note(self) -> None:
        """Say in the log when it begins and ends that nothing may be said."""
        self.certain = self._rules.certain(self._now())
        if self._rules.known:
            self.known.set()
        if self._rules.held != self._held:
            self._held = self._rules.held
            log.info("transitions are held" if self._held else "transitions are said again")

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
