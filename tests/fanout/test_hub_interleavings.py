"""Whatever happens in whatever order: each member is given the log after its start, once, in order."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from crowd import ROOMY, Person, World
from fakelog import EPOCH, FakeLog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from virtualtime import run

from events import Record
from fanout.room import OVERHEAD


@dataclass
class Story:
    """A hub, its log, and what is on its way between them."""

    world: World
    dice: random.Random
    people: list[Person] = field(default_factory=list)
    joining: list["asyncio.Task[None]"] = field(default_factory=list)
    on_the_way: list[Record] = field(default_factory=list)

    def post(self) -> None:
        self.on_the_way += self.world.log.append(self.dice.randint(1, 4))

    def deliver(self) -> None:
        """Mostly in order, sometimes not; sometimes to be heard again."""
        for _ in range(min(self.dice.randint(1, 5), len(self.on_the_way))):
            index = self.dice.choice([0, 0, 0, self.dice.randrange(len(self.on_the_way))])
            self.world.nats.deliver(self.on_the_way[index])
            if self.dice.random() < 0.9:
                del self.on_the_way[index]

    def lose(self) -> None:
        if self.on_the_way:
            del self.on_the_way[self.dice.randrange(len(self.on_the_way))]

    def join(self) -> None:
        head = self.world.log.head
        since = self.dice.choice([None, head, max(0, head - self.dice.randint(0, 12)), head + 1])
        epoch = self.dice.choice([EPOCH, EPOCH, EPOCH, "epoch-0"])
        room = self.dice.choice([ROOMY, 1, 20])
        person = self.world.person(since, epoch=epoch, room=room)
        self.people.append(person)
        self.joining.append(asyncio.create_task(self._join(person)))

    async def _join(self, person: Person) -> None:
        before = self.world.log.head
        await person.join()
        if person.joined is not None and person.since is not None:
            may = person.since.epoch == EPOCH and person.since.offset <= self.world.log.head
            must = person.since.epoch == EPOCH and person.since.offset <= before
            assert must <= person.joined.recovered <= may

    def leave(self) -> None:
        if self.people:
            self.dice.choice(self.people).leave()

    def read(self) -> None:
        if self.people:
            self.dice.choice(self.people).read()

    def signal(self) -> None:
        self.world.nats.signal(b"{}")

    def log_fails(self) -> None:
        self.world.log.available = not self.world.log.available

    def log_lags(self) -> None:
        self.world.log.delay = self.dice.choice([0.0, 0.0, 0.01, 1.0, 3.0])

    def nats_goes(self) -> None:
        self.world.nats.away = True
        self.on_the_way.clear()

    def nats_returns(self) -> None:
        if self.world.nats.away:
            self.world.nats.come_back()

    async def end(self) -> None:
        """All is well again, and one more event is heard: it tells whoever missed one."""
        self.world.log.available, self.world.log.delay = True, 0.0
        self.nats_returns()
        await asyncio.gather(*self.joining)
        self.on_the_way += self.world.log.append()
        self.world.nats.deliver(*self.on_the_way)
        for _ in range(self.world.log.head + 10):
            await asyncio.sleep(1)
            for person in self.people:
                person.read()
        for person in self.people:
            person.check(None if person.member.gone else self.world.log.head)


ACTS = st.sampled_from(
    [
        *[Story.post, Story.deliver, Story.join, Story.read] * 3,
        *[Story.lose, Story.leave, Story.signal],
        *[Story.log_fails, Story.log_lags, Story.nats_goes, Story.nats_returns],
    ]
)
PAUSES = st.sampled_from([None, None, 0.0, 0.0, 0.001, 0.6, 2.5, 40.0])
"""Seconds until the next act; `None` is in the same turn of the loop."""
ENTRY = 2 * len(b'{"offset":10}') + OVERHEAD


@given(
    acts=st.lists(st.tuples(ACTS, PAUSES), min_size=5, max_size=60),
    dice=st.randoms(use_true_random=False),
    head=st.integers(0, 10),
    cut=st.sampled_from([1, 3, 1000]),
    ring=st.sampled_from([0, 4, 1000]),
    early=st.sampled_from([0, 3, 1000]),
    linger=st.sampled_from([0.0, 30.0]),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_member_is_given_the_log_after_its_start(
    acts: list[tuple[Callable[[Story], None], float | None]],
    dice: random.Random,
    head: int,
    cut: int,
    ring: int,
    early: int,
    linger: float,
) -> None:
    async def tell() -> None:
        log = FakeLog(head, cut=cut)
        async with World(log, ring=ring * ENTRY, early=early * ENTRY, linger=linger) as world:
            story = Story(world, dice)
            for act, pause in acts:
                act(story)
                if pause is not None:
                    await asyncio.sleep(pause)
            await story.end()

    run(tell())
