"""Who is here in one room: asked of presence, kept by its transitions, pushed to the members."""

import logging
from collections.abc import Mapping, Sequence

from events import NoAnswer
from events.presence import MAX_ASKED, Joined, Left, Person, PresenceAnswer, PresenceQuery
from fanout.audience import Audience
from fanout.follows import Follows
from fanout.loading import Loading
from fanout.members import Encoding, Member
from fanout.pacer import Pacer
from fanout.people import Diff, People
from fanout.terms import Sources

LATELY_SECONDS = 5.0
"""From a transition to the last question whose answer may lack it, because a replica has yet to hear of it.

What was announced just before the room was opened here is made up for by asking once more after that."""

TRIES = 3
"""Of a member's question, if transitions may have been missed meanwhile."""

log = logging.getLogger(__name__)


class Attendance:
    def __init__(self, room: str, audience: Audience, sources: Sources) -> None:
        terms = sources.terms
        lately = self._lately = LATELY_SECONDS + terms.timeout
        self._room = room
        self._audience = audience
        self._sources = sources
        self._follows: Follows[Member] = Follows()
        self._people = People(terms.listed, self._follows)
        self.loading = Loading(self._load, sources.tasks)
        self._diffs = Pacer(self._flush, terms.gather, terms.gather)
        self._counts = Pacer(self._count, terms.counts)
        self._ages = Pacer(self._age, lately, lately)
        self._doubts = Pacer(self._settle, lately, lately)
        self._counted = 0
        self._recount = False
        """The number changed since a large room was told; maybe back again, but some saw it change."""
        self._confirmed = False

    def state(self) -> bytes:
        return self._people.state()

    def frames(self, member: Member) -> bytes:
        """What a member needs that knows nothing."""
        if not self._people.known:
            return b""
        encode = member.encoding.presence
        frames = encode(self._room, self._people.state())
        followed = self._follows.of(member)
        if followed and not self._people.listed:
            frames += encode(self._room, self._people.encode(self._people.of(followed)))
        return frames

    # What is heard

    def joined(self, payload: bytes) -> None:
        try:
            heard = Joined.decode(payload)
        except ValueError:
            self._unreadable()
        else:
            self._hear({person.user: person for person in heard.people}, heard.count)

    def left(self, payload: bytes) -> None:
        try:
            heard = Left.decode(payload)
        except ValueError:
            self._unreadable()
        else:
            self._hear(dict.fromkeys(heard.users), heard.count)

    def check(self) -> None:
        """Transitions may have been missed."""
        self._people.restated()
        self._confirmed = False
        self.loading.want()

    async def ask(self, member: Member, users: Sequence[str]) -> bytes:
        """Who of these is here; in a large room the member is told of these from now on. Raise `NoAnswer`."""
        wanted = list(dict.fromkeys(users))[:MAX_ASKED]
        for _ in range(TRIES):
            version = self._people.version
            answer = await self._query(0, wanted)
            if version == self._people.version:
                break
        else:
            raise NoAnswer("who is here is being restated")
        asked = self._people.amended(answer.asked)
        if not member.gone and not self.loading.closed:
            differs = self._people.adopt(asked)
            self._people.drop(self._follows.replace(member, wanted))
            if differs:
                self._flush()
        return self._people.answer(answer.count, asked)

    def forget(self, member: Member) -> None:
        self._people.drop(self._follows.replace(member, ()))

    def close(self) -> None:
        self.loading.close()
        for pacer in (self._diffs, self._counts, self._doubts, self._ages):
            pacer.close()

    def _hear(self, changes: Mapping[str, Person | None], count: int) -> None:
        if not self.loading.closed:
            self._people.hear(changes, count)
            self._ages.wake()
            self._wake()

    def _age(self) -> None:
        if self._people.age():
            self._ages.wake()

    def _unreadable(self) -> None:
        log.warning("a transition cannot be read", extra={"room": self._room})
        self.check()

    # What is asked

    async def _load(self) -> None:
        version = self._people.version
        answer = await self._query(self._people.ask_for, None)
        if version == self._people.version and not self.loading.closed:
            self._people.answered(answer)
            self._wake()
            self._confirm()
            await self._load_followed(version)

    def _confirm(self) -> None:
        if not self._confirmed:
            self._confirmed = True
            self.loading.want(self._lately)

    async def _load_followed(self, version: int) -> None:
        users = [] if self._people.listed else self._follows.users
        for first in range(0, len(users), MAX_ASKED):
            answer = await self._query(0, users[first : first + MAX_ASKED])
            if version == self._people.version:
                self._people.checked(answer.asked)
                self._wake()

    async def _query(self, limit: int, users: Sequence[str] | None) -> PresenceAnswer:
        asked = None if users is None else list(users)
        query = PresenceQuery(app=self._sources.app, room=self._room, users=asked, limit=limit)
        return await self._sources.presence.ask(query.encode(), PresenceAnswer.decode)

    # What is pushed

    def _wake(self) -> None:
        if not self._people.known or self.loading.closed:
            return
        self._diffs.wake()
        if self._people.count != self._counted:
            self._counted = self._people.count
            self._recount = True

    def _flush(self) -> None:
        diff = self._people.flush()
        if diff.whole:
            self._recount = False
            self._push(self._people.state())
            if not self._people.listed:
                for member in self._follows.followers:
                    followed = self._people.of(self._follows.of(member))
                    self._push(self._people.encode(followed), [member])
        elif not self._people.listed:
            self._tell_followers(diff)
        elif not diff.empty:
            self._push(self._people.encode(diff))
        if self._recount and not self._people.listed:
            self._counts.wake()
        if self._people.doubtful:
            self._doubts.wake()

    def _settle(self) -> None:
        if self._people.doubtful:
            self.loading.want()

    def _tell_followers(self, diff: Diff) -> None:
        told: dict[Member, Diff] = {}
        for person in diff.joined:
            for member in self._follows.by(person.user):
                told.setdefault(member, Diff()).joined.append(person)
        for user in diff.left:
            for member in self._follows.by(user):
                told.setdefault(member, Diff()).left.append(user)
        alike: dict[bytes, list[Member]] = {}
        for member, part in told.items():
            alike.setdefault(self._people.encode(part), []).append(member)
        for body, members in alike.items():
            self._push(body, members)

    def _count(self) -> None:
        if self._recount and not self._people.listed:
            self._recount = False
            self._push(self._people.encode(Diff()))

    def _push(self, body: bytes, members: Sequence[Member] | None = None) -> None:
        def frame(encoding: Encoding) -> bytes:
            return encoding.presence(self._room, body)

        self._audience.push(frame, members)
