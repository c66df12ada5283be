"""Who is here in one room, as its members were shown it, and as it is by now: pure.

Transitions may be heard twice, and answers may be older than they: what was heard lately of a user counts
more than an answer. Above `listed` people only the number is known, and those whom somebody follows,
until they are clearly fewer.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from events.presence import Person, PresenceAnswer, Present

RELISTED = 0.9
"""Share of the limit below which a room that had too many people is listed again.

Were it the limit itself, everybody would be sent the whole list whenever one more comes and goes.
"""

_people: TypeAdapter[Sequence[Person]] = TypeAdapter(Sequence[Person])
_users: TypeAdapter[Sequence[str]] = TypeAdapter(Sequence[str])
_asked: TypeAdapter[Sequence[Present]] = TypeAdapter(Sequence[Present])


@dataclass(slots=True)
class Diff:
    """How what is known differs from what was shown."""

    joined: list[Person] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    whole: bool = False
    """Everybody must be shown all of it instead."""

    @property
    def empty(self) -> bool:
        return not (self.joined or self.left or self.whole)


class People:
    def __init__(self, listed: int, followed: Container[str]) -> None:
        self._limit = listed
        self._followed = followed
        self.known = False
        self.listed = True
        self.version = 0
        """Another one once transitions may have been missed: an older answer says nothing."""
        self._here: dict[str, Person] = {}
        """As shown."""
        self._ahead: dict[str, Person | None] = {}
        """Who joined or left since."""
        self._told = 0
        """How many there are, as presence said last."""
        self._heard: dict[str, Person | None] = {}
        """Who joined or left lately."""
        self._heard_before: dict[str, Person | None] = {}
        self._heard_count: int | None = None
        self._restate = False
        self._state: bytes | None = None

    @property
    def count(self) -> int:
        return len(self._here) if self.listed else self._told

    @property
    def ask_for(self) -> int:
        """People to ask for: none if there are too many."""
        return self._limit if not self.known or self.listed or self._fits(self._told) else 0

    @property
    def doubtful(self) -> bool:
        """What is shown does not fit the number that presence tells, or could be shown in full: ask again."""
        if not self.known or self._ahead:
            return False
        return len(self._here) != self._told if self.listed else self._fits(self._told)

    # What is learnt

    def hear(self, changes: Mapping[str, Person | None], count: int) -> None:
        """Who joined, or left (`None`), and how many are here after it."""
        self._heard.update(changes)
        self._heard_count = count
        if self.known:
            self._told = count
            self._ahead.update(
                {user: person for user, person in changes.items() if self.listed or user in self._followed}
            )

    def age(self) -> bool:
        """Forget what was heard before the last call; whether there is more to forget."""
        self._heard_before, self._heard = self._heard, {}
        if not self._heard_before:
            self._heard_count = None
        return bool(self._heard_before)

    def restated(self) -> None:
        """Transitions may have been missed; the next answer counts more than any that was heard."""
        self.version += 1
        self._heard, self._heard_before, self._heard_count = {}, {}, None

    def answered(self, answer: PresenceAnswer) -> None:
        """Take the answer to a question for `ask_for` people."""
        told = answer.count if self._heard_count is None else self._heard_count
        if self._fits(answer.count) and len(answer.people) >= answer.count:
            self._list(self._amended_list(answer.people))
        elif not self.known or self.listed:
            self._count_only()
        self._told = told
        self.known = True
        self._state = None

    def checked(self, asked: Iterable[Present]) -> None:
        """Take what was answered of those who are followed."""
        for present in asked:
            if not self.listed and present.user in self._followed:
                self._ahead[present.user] = _person(self._amended(present))

    def adopt(self, asked: Iterable[Present]) -> bool:
        """Take what somebody is about to be shown who follows these; whether others must be shown it before.

        Else it might be another again when it is compared with what was shown to all.
        """
        if not self.known:
            return False
        for present in asked:
            user, person = present.user, _person(present)
            if self.listed or user in self._followed:
                self._ahead[user] = person
            elif person is not None:
                self._here[user] = person
        users = [present.user for present in asked if present.user in self._ahead]
        return any(self._ahead[user] != self._here.get(user) for user in users)

    def amended(self, asked: Sequence[Present]) -> Sequence[Present]:
        """The answer, with what was heard lately."""
        return [self._amended(present) for present in asked]

    def drop(self, users: Iterable[str]) -> None:
        """Nobody follows them any more."""
        if not self.listed:
            for user in users:
                self._here.pop(user, None)
                self._ahead.pop(user, None)

    # What is shown

    def flush(self) -> Diff:
        """Show what is known; the exact difference to what was shown."""
        if not self.known:
            return Diff()
        diff = Diff(whole=self._restate)
        for user, person in self._ahead.items():
            if person is None:
                if self._here.pop(user, None) is not None:
                    diff.left.append(user)
            elif self._here.get(user) != person:
                self._here[user] = person
                diff.joined.append(person)
        self._ahead.clear()
        if self.listed and len(self._here) > self._limit:
            self._count_only()
            diff.whole = True
        self._restate = False
        if not diff.empty:
            self._state = None
        return diff

    def state(self) -> bytes:
        """What was shown, as JSON: the next `flush` follows on it. `null` if nothing is known."""
        if not self.known:
            self._restate = True
            return b"null"
        if not self.listed:
            return b'{"count":%d,"people":null}' % self._told
        if self._state is None:
            people = _people.dump_json(list(self._here.values()))
            self._state = b'{"count":%d,"people":%b}' % (len(self._here), people)
        return self._state

    def of(self, users: Iterable[str]) -> Diff:
        """What was shown of these alone."""
        diff = Diff()
        for user in users:
            if (person := self._here.get(user)) is not None:
                diff.joined.append(person)
            else:
                diff.left.append(user)
        return diff

    def encode(self, diff: Diff) -> bytes:
        joined, left = _people.dump_json(diff.joined), _users.dump_json(diff.left)
        return b'{"count":%d,"joined":%b,"left":%b}' % (self.count, joined, left)

    def answer(self, count: int, asked: Sequence[Present]) -> bytes:
        """What a member is told that asked; `count` is what was answered."""
        known = self.count if self.known else count
        return b'{"count":%d,"asked":%b}' % (known, _asked.dump_json(asked, by_alias=True))

    # Inside

    def _fits(self, count: int) -> bool:
        """So many can be listed."""
        if self.known and not self.listed:
            return count < RELISTED * self._limit
        return count <= self._limit

    def _list(self, people: Mapping[str, Person]) -> None:
        """All who are here are known."""
        if self.known and self.listed:
            self._ahead = {**dict.fromkeys(self._here), **people}
            return
        self._restate = self._restate or self.known
        self._here = dict(people)
        self._ahead.clear()
        self.listed = True

    def _count_only(self) -> None:
        """There are too many: only those who are followed go on to be known."""
        self._restate = self._restate or self.known
        self.listed = False
        self._here = {user: person for user, person in self._here.items() if user in self._followed}
        self._ahead = {user: person for user, person in self._ahead.items() if user in self._followed}

    def _amended_list(self, people: Iterable[Person]) -> Mapping[str, Person]:
        amended = {person.user: person for person in people}
        for user, person in {**self._heard_before, **self._heard}.items():
            if person is None:
                amended.pop(user, None)
            else:
                amended[user] = person
        return amended

    def _amended(self, present: Present) -> Present:
        user = present.user
        if user not in self._heard and user not in self._heard_before:
            return present
        person = self._heard[user] if user in self._heard else self._heard_before[user]
        if person is None:
            return present.model_copy(update={"here": False, "devices": []})
        return present.model_copy(update={**person.model_dump(), "here": True})


def _person(present: Present) -> Person | None:
    if not present.here:
        return None
    return Person(user=present.user, name=present.name, avatar=present.avatar, activity=present.activity)
