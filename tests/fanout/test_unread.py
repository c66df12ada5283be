"""What is unread: told at first, pushed when it changes, and asked for no more often than it must."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fakelog import APP
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unreadlog import UnreadLog
from virtualtime import run

from events import NoAnswer, subjects
from events.receipts import MAX_USERS, RoomUnread
from events.testing import MemoryNats
from fanout.survey import USERS as AT_ONCE
from fanout.tasks import Tasks
from fanout.unread import Unread

INTERVAL = 0.5


class Watching:
    """A connection that watches what its user has not read."""

    def __init__(self, world: "World", user: str, name: str) -> None:
        self.world = world
        self.user = user
        self.name = name
        self.rooms: dict[str, Any] | None = None
        self.pushes: list[Any] = []

    async def watch(self) -> None:
        told = json.loads(await self.world.unread.watch(self.name, self.user, self._pushed))
        assert told.keys() == {"rooms"}
        self.rooms = {each["room"]: each for each in told["rooms"]}

    def drop(self) -> None:
        self.world.unread.drop(self.name)

    def taken(self) -> list[Any]:
        pushes, self.pushes = self.pushes, []
        return pushes

    def _pushed(self, body: bytes) -> None:
        assert self.rooms is not None
        push = json.loads(body)
        self.pushes.append(push)
        for each in push["rooms"]:
            assert self.rooms.get(each["room"]) != each
            self.rooms[each["room"]] = each
        for room in push.get("left", ()):
            del self.rooms[room]

    def check(self) -> None:
        true = self.world.log.unread(self.user)
        assert self.rooms == {room: each.model_dump() for room, each in true.items()}


class World:
    def __init__(self) -> None:
        self.nats = MemoryNats()
        self.tasks = Tasks()
        self.log = UnreadLog(self.nats)
        self.unread = Unread(APP, self.nats, self.tasks, interval=INTERVAL, timeout=2.0)

    async def watch(self, user: str, name: str = "") -> Watching:
        """Once all is quiet."""
        await asyncio.sleep(10)
        watching = Watching(self, user, name or user)
        await watching.watch()
        return watching

    def asked(self) -> Sequence[tuple[str | None, list[str]]]:
        """The questions since the last call."""
        asked, self.log.asked = self.log.asked, []
        return [(each.room, each.users) for each in asked]


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    made = World()
    await made.log.serve()
    await made.unread.listen()
    try:
        yield made
    finally:
        await made.unread.close()
        await made.tasks.close()


def entry(room: str, head: int, read: int, unread: int) -> Any:
    return RoomUnread(room=room, head=head, read=read, unread=unread, mentioned=False).model_dump()


def told(story: Callable[[World], Awaitable[None]]) -> None:
    """Tell the story in virtual time."""

    async def tell() -> None:
        async with world() as made:
            await story(made)

    run(tell())


def test_the_first_answer_lists_all_rooms_and_a_push_those_that_changed() -> None:
    async def story(world: World) -> None:
        await world.log.join("r1", "ann")
        await world.log.join("r2", "ann")
        ann = await world.watch("ann")
        assert ann.rooms == {"r1": entry("r1", 1, 1, 0), "r2": entry("r2", 1, 1, 0)}
        await world.log.post("r1", "bob")
        await asyncio.sleep(0.01)
        assert ann.taken() == [{"rooms": [entry("r1", 2, 1, 1)]}]

    told(story)


def test_who_reads_to_the_end_is_told_at_once_on_all_connections_without_a_question() -> None:
    async def story(world: World) -> None:
        await world.log.join("r", "ann")
        await world.log.post("r", "bob")
        phone, tab = await world.watch("ann", "phone"), await world.watch("ann", "tab")
        world.asked()
        await world.log.read("r", "ann", 2)
        await asyncio.sleep(0)
        assert phone.taken() == tab.taken() == [{"rooms": [entry("r", 2, 2, 0)]}]
        assert world.asked() == []

    told(story)


def test_who_reads_a_part_is_asked_for_before_the_interval_is_over() -> None:
    async def story(world: World) -> None:
        await world.log.join("r", "ann")
        await world.log.post("r", "bob")
        ann = await world.watch("ann")
        for _ in range(3):
            await world.log.post("r", "bob")
        await asyncio.sleep(0.01)
        assert ann.taken() == [{"rooms": [entry("r", 5, 1, 4)]}]
        await world.log.read("r", "ann", 3)
        await asyncio.sleep(0.05)
        assert ann.taken() == [{"rooms": [entry("r", 5, 3, 2)]}]

    told(story)


def test_a_busy_room_is_asked_for_once_in_an_interval_the_first_time_at_once() -> None:
    async def story(world: World) -> None:
        await world.log.join("r", "ann")
        ann = await world.watch("ann")
        world.asked()
        for _ in range(99):
            await world.log.post("r", "bob")
            await asyncio.sleep(0.01)
        assert world.asked() == [("r", ["ann"])] * 2
        await asyncio.sleep(1)
        ann.check()
        assert world.asked() == [("r", ["ann"])]

    told(story)


def test_a_room_of_which_nobody_is_a_member_is_not_asked_for() -> None:
    async def story(world: World) -> None:
        await world.log.join("r", "ann")
        await world.watch("ann")
        world.asked()
        await world.log.post("other", "bob")
        await world.log.read("other", "bob", 1)
        await asyncio.sleep(1)
        assert world.asked() == []

    told(story)


def test_a_room_that_was_joined_or_left_is_told() -> None:
    async def story(world: World) -> None:
        ann = await world.watch("ann")
        assert ann.rooms == {}
        await world.log.join("r", "ann")
        await asyncio.sleep(1)
        assert ann.taken() == [{"rooms": [entry("r", 1, 1, 0)]}]
        await world.log.leave("r", "ann")
        await asyncio.sleep(1)
        assert ann.taken() == [{"rooms": [], "left": ["r"]}]
        await world.log.post("r", "bob")
        world.asked()
        await asyncio.sleep(1)
        assert world.asked() == []

    told(story)


def test_the_members_of_a_large_room_are_asked_for_in_batches_one_an_interval() -> None:
    async def story(world: World) -> None:
        users = [f"u{number}" for number in range(2 * MAX_USERS + 1)]
        for user in users:
            await world.log.join("r", user)
        watching = await asyncio.gather(*[world.watch(user) for user in users])
        await asyncio.sleep(10)
        world.asked()
        await world.log.post("r", "bob")
        await asyncio.sleep(0.1)
        assert [len(users) for _, users in world.asked()] == [MAX_USERS]
        await asyncio.sleep(2 * INTERVAL)
        assert [len(users) for _, users in world.asked()] == [MAX_USERS, 1]
        for each in watching:
            each.check()

    told(story)


def test_many_who_come_at_once_are_asked_for_together() -> None:
    async def story(world: World) -> None:
        world.log.delay = 0.1
        await asyncio.gather(*[world.watch(f"u{number}") for number in range(100)])
        asked = world.asked()
        assert max(len(users) for _, users in asked) == AT_ONCE
        assert len(asked) < 15

    told(story)


def test_an_answer_that_is_too_much_is_asked_for_in_smaller_parts() -> None:
    async def story(world: World) -> None:
        world.log.most = 1
        watching = await asyncio.gather(*[world.watch(f"u{number}") for number in range(30)])
        for each in watching:
            each.check()

    told(story)


def test_nobody_is_told_anything_while_comments_is_away(caplog: pytest.LogCaptureFixture) -> None:
    async def story(world: World) -> None:
        world.log.available = False
        outcomes = await asyncio.gather(
            *[world.watch(f"u{number}") for number in range(50)], return_exceptions=True
        )
        assert {type(outcome) for outcome in outcomes} == {NoAnswer}
        assert world.unread.users == 0
        world.log.available = True
        await world.watch("u1")

    told(story)
    assert len(caplog.records) == 2


def test_a_connection_that_goes_while_it_waits_is_not_told() -> None:
    async def story(world: World) -> None:
        world.log.delay = 1.0
        ann = Watching(world, "ann", "c1")
        waiting = asyncio.create_task(ann.watch())
        await asyncio.sleep(0.5)
        ann.drop()
        with pytest.raises(NoAnswer):
            await waiting
        assert world.unread.users == 0

    told(story)


def test_after_a_reconnect_everybody_is_asked_for_until_there_is_an_answer() -> None:
    async def story(world: World) -> None:
        await world.log.join("r", "ann")
        await world.log.join("q", "ann")
        ann = await world.watch("ann")
        world.nats.go_away()
        await world.log.post("r", "bob")
        await world.log.leave("q", "ann")
        world.log.available = False
        world.nats.come_back()
        await asyncio.sleep(20)
        world.log.available = True
        await asyncio.sleep(5)
        ann.check()
        assert ann.taken() == [{"rooms": [entry("r", 2, 1, 1)], "left": ["q"]}]

    told(story)


def test_after_a_restored_log_everybody_is_asked_for() -> None:
    async def story(world: World) -> None:
        await world.log.join("r", "ann")
        await world.log.post("r", "bob")
        ann = await world.watch("ann")
        world.log.rooms["r"].head = 1
        world.log.rooms["r"].authors.clear()
        await world.nats.send(subjects.restored(APP), b"")
        await asyncio.sleep(1)
        assert ann.taken() == [{"rooms": [entry("r", 1, 1, 0)]}]

    told(story)


def test_what_cannot_be_read_is_logged_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def story(world: World) -> None:
        await world.log.join("r", "ann")
        ann = await world.watch("ann")
        await world.nats.send(subjects.changed(APP), b"{")
        await world.nats.send(subjects.watermarks(APP, "r"), b"{")
        await asyncio.sleep(1)
        assert ann.taken() == []

    told(story)
    assert len(caplog.records) == 2


def test_without_a_change_nothing_runs() -> None:
    async def story(world: World) -> None:
        await world.log.join("r", "ann")
        await world.watch("ann")
        await world.log.post("r", "bob")
        await asyncio.sleep(10)
        assert len(asyncio.all_tasks()) == 1

    told(story)


def test_an_answer_that_is_older_than_what_was_read_is_not_shown() -> None:
    async def story(world: World) -> None:
        await world.log.join("r", "ann")
        ann = await world.watch("ann")
        world.log.delay = 1.0
        await world.log.post("r", "bob")
        await asyncio.sleep(0.5)
        await world.log.read("r", "ann", 2)
        await asyncio.sleep(5)
        assert ann.taken() == [{"rooms": [entry("r", 2, 2, 0)]}]

    told(story)


def test_a_change_of_a_room_is_not_missed_while_it_is_asked_who_is_a_member() -> None:
    async def story(world: World) -> None:
        ann = await world.watch("ann")
        world.log.delay = 0.5
        await world.log.join("r", "ann")
        await asyncio.sleep(0.1)
        await world.log.post("r", "bob")
        await asyncio.sleep(5)
        ann.check()
        await world.log.join("q", "ann")
        await asyncio.sleep(0.1)
        await world.log.post("q", "bob")
        await world.log.read("q", "ann", 2)
        await asyncio.sleep(5)
        ann.check()

    told(story)


def test_a_room_that_is_joined_while_all_are_asked_for_is_not_forgotten() -> None:
    async def story(world: World) -> None:
        world.log.delay = 1.0
        waiting = asyncio.create_task(world.watch("ann"))
        await asyncio.sleep(10.5)
        world.log.delay = 0.0
        await world.log.join("r", "ann")
        ann = await waiting
        assert ann.rooms == {"r": entry("r", 1, 1, 0)}

    told(story)


@pytest.mark.parametrize("asked", ["all rooms", "one room"])
def test_an_answer_from_before_a_reconnect_does_not_count_more_than_one_from_after_it(asked: str) -> None:
    async def story(world: World) -> None:
        await world.log.join("r", "ann")
        ann = await world.watch("ann")
        world.log.delay = 1.5
        if asked == "one room":
            await world.log.post("r", "bob")
        else:
            world.unread.check()
        await asyncio.sleep(0.5)
        world.log.delay = 0.0
        world.nats.go_away()
        await world.log.post("r", "bob")
        world.nats.come_back()
        await asyncio.sleep(5)
        ann.check()

    told(story)


class Story:
    """Users with connections, and rooms to which things happen."""

    def __init__(self, world: World, dice: random.Random) -> None:
        self.world = world
        self.dice = dice
        self.watching: list[Watching] = []
        self.beginning: list[asyncio.Task[None]] = []
        self.names = 0

    @property
    def room(self) -> str:
        return self.dice.choice(["r1", "r2", "r3"])

    @property
    def user(self) -> str:
        return self.dice.choice(["ann", "bob", "cid"])

    async def post(self) -> None:
        await self.world.log.post(self.room, self.user)

    async def join(self) -> None:
        await self.world.log.join(self.room, self.user)

    async def leave(self) -> None:
        await self.world.log.leave(self.room, self.user)

    async def read(self) -> None:
        room = self.room
        if room in self.world.log.rooms:
            head = self.world.log.rooms[room].head
            await self.world.log.read(room, self.user, self.dice.choice([head, head, max(0, head - 1)]))

    async def watch(self) -> None:
        self.names += 1
        watching = Watching(self.world, self.user, f"c{self.names}")
        self.watching.append(watching)
        self.beginning.append(asyncio.create_task(self._watch(watching)))

    async def _watch(self, watching: Watching) -> None:
        if watching not in self.watching:
            return
        try:
            await watching.watch()
        except NoAnswer:
            if watching in self.watching:
                self.watching.remove(watching)

    async def drop(self) -> None:
        if self.watching:
            self.watching.pop(self.dice.randrange(len(self.watching))).drop()

    async def fails(self) -> None:
        self.world.log.available = not self.world.log.available

    async def lags(self) -> None:
        self.world.log.delay = self.dice.choice([0.0, 0.01, 1.0, 3.0])

    async def nats_goes(self) -> None:
        self.world.nats.go_away()

    async def nats_returns(self) -> None:
        if self.world.nats.away:
            self.world.nats.come_back()

    async def end(self) -> None:
        self.world.log.available, self.world.log.delay = True, 0.0
        await self.nats_returns()
        await asyncio.gather(*self.beginning)
        await asyncio.sleep(60)
        for watching in self.watching:
            watching.check()
        assert self.world.unread.users == len({watching.user for watching in self.watching})


ACTS = st.sampled_from(
    [
        *[Story.post, Story.read, Story.watch] * 3,
        *[Story.join, Story.leave, Story.drop],
        *[Story.fails, Story.lags, Story.nats_goes, Story.nats_returns],
    ]
)
PAUSES = st.sampled_from([None, None, 0.0, 0.0, 0.001, 0.03, 0.6, 2.5])


@given(
    acts=st.lists(st.tuples(ACTS, PAUSES), min_size=5, max_size=60),
    dice=st.randoms(use_true_random=False),
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_at_rest_every_connection_was_told_what_is_unread(
    acts: list[tuple[Callable[[Story], Awaitable[None]], float | None]], dice: random.Random
) -> None:
    async def story(world: World) -> None:
        story = Story(world, dice)
        for act, pause in acts:
            await act(story)
            if pause is not None:
                await asyncio.sleep(pause)
        await story.end()

    told(story)
