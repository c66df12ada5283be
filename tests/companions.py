"""Members of a room that keep what they are shown of each other, and the services that know it."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from fakelog import APP, ROOM

from events import NoAnswer, StreamError, subjects
from events.presence import Device, Joined, Left, Person, PresenceAnswer, PresenceQuery, Present
from events.receipts import (
    LISTED,
    Change,
    Changes,
    Counts,
    MemberReceipt,
    Watermarks,
    WatermarksAnswer,
    WatermarksRequest,
)
from events.testing import MemoryNats
from fanout.companies import Companies
from fanout.company import Company
from fanout.members import Member
from fanout.tasks import Tasks
from fanout.terms import Terms

BEGUN = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHED = 1000
"""Bytes that may wait for a member."""


class Lines:
    """An encoding that a test can read: a JSON object a line."""

    name = "lines"

    def event(self, room: str, epoch: str, offset: int, data: bytes) -> bytes:
        raise AssertionError("no events here")

    def signal(self, room: str, data: bytes) -> bytes:
        raise AssertionError("no signals here")

    def presence(self, room: str, body: bytes) -> bytes:
        return b'{"type":"presence",%b\n' % body[1:]

    def receipts(self, room: str, body: bytes) -> bytes:
        return b'{"type":"receipts",%b\n' % body[1:]


LINES = Lines()


class View:
    """What a client makes of what it is told."""

    def __init__(self) -> None:
        self.count: int | None = None
        self.people: dict[str, Any] | None = None
        self.asked: dict[str, bool] = {}
        self.members: int | None = None
        self.counts: Any = None
        self.marks: dict[str, tuple[int, int]] = {}

    def presence(self, frame: Any) -> None:
        self.count = frame["count"]
        joined, left = frame.get("joined", []), frame.get("left", [])
        if "people" in frame:
            people = frame["people"]
            self.people = None if people is None else {each["user"]: each for each in people}
            if self.people is not None:
                self.asked = {user: user in self.people for user in self.asked}
        if self.people is not None:
            self.people = {user: each for user, each in self.people.items() if user not in left}
            self.people |= {each["user"]: each for each in joined}
        self.asked |= {each["user"]: True for each in joined if each["user"] in self.asked}
        self.asked |= {user: False for user in left if user in self.asked}

    def answer(self, answer: Any) -> None:
        self.count = answer["count"]
        self.asked = {each["user"]: each["here"] for each in answer["asked"]}

    def receipts(self, frame: Any) -> None:
        marks = {each["user"]: (each["delivered"], each["read"]) for each in frame.get("receipts", [])}
        if "members" in frame and "receipts" in frame:
            self.marks = {}
        for user, mark in marks.items():
            known = self.marks.get(user, (0, 0))
            self.marks[user] = (max(mark[0], known[0]), max(mark[1], known[1]))
        self.counts = frame.get("counts", self.counts)
        self.members = len(self.marks) if self.counts is None else frame["members"]


class Companion:
    """A member of the room: its sink, its socket, and what its client knows."""

    def __init__(self, name: str = "c") -> None:
        self.id = name
        self.socket = self
        self.stalled = False
        self.buffered = 0
        self.frames: list[Any] = []
        self.view = View()
        self.member = Member(self, LINES, ROOM)

    def write(self, frames: bytes, /) -> None:
        assert self.member.live
        assert self.buffered <= SHED
        for line in frames.splitlines():
            frame = json.loads(line)
            self.frames.append(frame)
            (self.view.presence if frame.pop("type") == "presence" else self.view.receipts)(frame)

    def welcome(self, company: Company) -> None:
        """As `subscribed` tells it."""
        if (presence := json.loads(company.presence())) is not None:
            self.view.presence(presence)
        if (receipts := json.loads(company.receipts())) is not None:
            self.view.receipts(receipts)

    def taken(self) -> list[Any]:
        """The frames since the last call."""
        frames, self.frames = self.frames, []
        return frames

    def lost(self, room: str) -> None: ...
    def failed(self) -> None: ...
    def degraded(self) -> None: ...
    def restored(self) -> None: ...
    def retire(self, after: float) -> None: ...


class Service:
    """Answers as late, or as seldom, as a test wants."""

    def __init__(self, nats: MemoryNats) -> None:
        self.nats = nats
        self.available = True
        self.delay = 0.0
        """Seconds that an answer takes: it is as old as that when it arrives."""
        self.asked: list[Any] = []

    async def tell(self, subject: str, payload: bytes) -> None:
        with suppress(StreamError):
            await self.nats.send(subject, payload)


class FakePresence(Service):
    def __init__(self, nats: MemoryNats, *people: str) -> None:
        super().__init__(nats)
        self.here = {user: person(user) for user in people}
        self.seen_by: dict[str, Person] | None = None
        """What a replica knows that is behind."""

    async def come(self, *users: str) -> None:
        people = [person(user) for user in users]
        self.here |= {each.user: each for each in people}
        joined = Joined(people=people, count=len(self.here))
        await self.tell(subjects.presence(APP, ROOM, "joined"), joined.encode())

    async def go(self, *users: str) -> None:
        for user in users:
            self.here.pop(user, None)
        left = Left(users=list(users), count=len(self.here))
        await self.tell(subjects.presence(APP, ROOM, "left"), left.encode())

    async def turn(self, user: str) -> None:
        """From active to idle, or back: that is told as if they joined."""
        known = self.here[user]
        activity = "idle" if known.activity == "active" else "active"
        self.here[user] = Person(user=user, name=known.name, activity=activity)
        joined = Joined(people=[self.here[user]], count=len(self.here))
        await self.tell(subjects.presence(APP, ROOM, "joined"), joined.encode())

    async def restate(self, *people: str) -> None:
        """It was away: these are here now, of which nothing was said."""
        self.here = {user: person(user) for user in people}
        await self.tell(subjects.restated(APP), b"")

    async def answer(self, payload: bytes) -> bytes:
        query = PresenceQuery.decode(payload)
        self.asked.append(query)
        here = self.here if self.seen_by is None else self.seen_by
        people = [here[user] for user in sorted(here) if user > query.after]
        answer = PresenceAnswer(
            count=len(here),
            people=people[: query.limit],
            more=len(people) > query.limit,
            asked=[present(user, here) for user in query.users or ()],
        )
        available = self.available
        await asyncio.sleep(self.delay)
        return answer.encode() if available else b""


class FakeReceipts(Service):
    def __init__(self, nats: MemoryNats, *members: str) -> None:
        super().__init__(nats)
        self.epoch = "epoch-1"
        self.head = 1
        self.marks = dict.fromkeys(members, (1, 1))

    async def move(self, *users: str, delivered: int, read: int) -> None:
        for user in users:
            known = self.marks[user]
            self.marks[user] = (max(known[0], delivered), max(known[1], read))
        moved = [receipt(user, self.marks[user]) for user in users]
        counts = self.counts if len(self.marks) > LISTED else None
        heard = Watermarks(epoch=self.epoch, members=len(self.marks), moved=moved, counts=counts)
        await self.tell(subjects.watermarks(APP, ROOM), heard.encode())

    async def post(self, user: str) -> None:
        """Whoever writes becomes a member."""
        self.head += 1
        self.marks.setdefault(user, (self.head, self.head))
        changes = Changes(changes=[Change(room=ROOM, head=self.head, users=[user])])
        await self.tell(subjects.changed(APP), changes.encode())

    def leave(self, user: str) -> None:
        self.head += 1
        self.marks.pop(user, None)

    @property
    def counts(self) -> Counts:
        return Counts(delivered=steps(self.marks.values(), 0), read=steps(self.marks.values(), 1))

    async def answer(self, payload: bytes) -> bytes:
        self.asked.append(WatermarksRequest.decode(payload))
        answer = WatermarksAnswer(
            epoch=self.epoch,
            members=len(self.marks),
            receipts=[receipt(user, self.marks[user]) for user in sorted(self.marks)[:LISTED]],
            counts=self.counts if len(self.marks) > LISTED else None,
        )
        available = self.available
        await asyncio.sleep(self.delay)
        return answer.encode() if available else b""


class Gathering:
    """One room with its company, and the services that know of it."""

    def __init__(self, *people: str, members: Iterable[str] = (), listed: int = 1000) -> None:
        self.nats = MemoryNats()
        self.tasks = Tasks()
        self.presence = FakePresence(self.nats, *people)
        self.receipts = FakeReceipts(self.nats, *members)
        self.companies = Companies(APP, self.nats, self.tasks, Terms(listed=listed, shed=SHED))
        self.there: set[Member] = set()
        self.company: Company

    def come(self, name: str = "c") -> Companion:
        """A member that is live at once."""
        companion = Companion(name)
        self.there.add(companion.member)
        companion.welcome(self.company)
        self.resume(companion)
        return companion

    def go(self, companion: Companion) -> None:
        companion.member.gone = True
        companion.member.live = False
        self.there.discard(companion.member)
        self.company.forget(companion.member)

    def pause(self, companion: Companion) -> None:
        companion.member.live = False

    def resume(self, companion: Companion) -> None:
        if not companion.member.gone:
            companion.member.live = True
            self.company.live(companion.member)

    async def ask(self, companion: Companion, *users: str) -> None:
        with suppress(NoAnswer):
            answer = json.loads(await self.company.ask(companion.member, users))
            companion.view.answer(answer)


@asynccontextmanager
async def gathering(
    *people: str, members: Iterable[str] = (), listed: int = 1000, serving: bool = True
) -> AsyncIterator[Gathering]:
    """With `serving` the services are there when the room opens, and it is known who is."""
    made = Gathering(*people, members=members, listed=listed)
    await made.companies.listen()
    if serving:
        await serve(made)
    made.company = made.companies.open(ROOM, lambda: made.there)
    if serving:
        await made.company.ready()
    try:
        yield made
    finally:
        await made.companies.close()
        await made.tasks.close()


async def serve(made: Gathering) -> None:
    await made.nats.serve(subjects.PRESENCE_QUERY, "presence", made.presence.answer)
    await made.nats.serve(subjects.WATERMARKS, "comments", made.receipts.answer)


def person(user: str) -> Person:
    return Person(user=user, name=user.upper())


def present(user: str, here: dict[str, Person]) -> Present:
    if user not in here:
        return Present(user=user, here=False)
    devices = [Device(connection="c1", activity="active", since=BEGUN)]
    return Present(**here[user].model_dump(), here=True, devices=devices)


def receipt(user: str, mark: tuple[int, int]) -> MemberReceipt:
    return MemberReceipt(user=user, delivered=mark[0], read=mark[1])


def steps(marks: Iterable[tuple[int, int]], which: int) -> list[tuple[int, int]]:
    """How many are at an offset or further, newest first."""
    found: list[tuple[int, int]] = []
    total = 0
    for offset, count in sorted(Counter(mark[which] for mark in marks).items(), reverse=True):
        total += count
        found.append((offset, total))
    return found
