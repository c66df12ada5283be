"""Whatever happens in whatever order: at rest every member knows who is here, and how far everybody is."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest
from companions import SHED, Companion, Gathering, gathering
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from virtualtime import run

from events.receipts import LISTED

USERS = [f"u{number}" for number in range(7)]
LISTED_HERE = 3
RELISTED_HERE = 2
"""The most people with whom a room that had more is listed again."""


class Story:
    """One room to which things happen."""

    def __init__(self, world: Gathering, dice: random.Random) -> None:
        self.world = world
        self.dice = dice
        self.companions: list[Companion] = []
        self.asking: list[asyncio.Task[None]] = []

    @property
    def some(self) -> list[str]:
        return self.dice.sample(USERS, self.dice.randint(1, 3))

    # Who is here

    async def arrive(self) -> None:
        await self.world.presence.come(*self.some)

    async def depart(self) -> None:
        await self.world.presence.go(*self.some)

    async def repeat(self) -> None:
        """What was said is said again."""
        here = self.world.presence.here
        await self.world.presence.come(*[user for user in self.some if user in here])

    async def turn(self) -> None:
        for user in self.some:
            if user in self.world.presence.here:
                await self.world.presence.turn(user)

    async def restate(self) -> None:
        await self.world.presence.restate(*self.some)

    async def replica_lags(self) -> None:
        """The answers come from one that knows nothing newer, for less than two seconds."""
        presence = self.world.presence
        presence.seen_by = dict(presence.here)
        asyncio.get_running_loop().call_later(1.9, setattr, presence, "seen_by", None)

    # How far they are

    async def move(self) -> None:
        receipts = self.world.receipts
        users = [user for user in self.some if user in receipts.marks]
        receipts.head += 1
        read = self.dice.randint(1, receipts.head)
        await receipts.move(*users, delivered=self.dice.randint(read, receipts.head), read=read)

    async def post(self) -> None:
        await self.world.receipts.post(self.some[0])

    async def leave_for_good(self) -> None:
        self.world.receipts.leave(self.some[0])
        self.world.company.membership_changed()

    async def history_is_replaced(self) -> None:
        receipts = self.world.receipts
        receipts.epoch += "'"
        receipts.marks = dict.fromkeys(receipts.marks, (1, 1))
        self.world.company.check()

    # Members

    async def come(self) -> None:
        self.companions.append(self.world.come())

    async def go(self) -> None:
        if self.companions:
            self.world.go(self.companions.pop(self.dice.randrange(len(self.companions))))

    async def pause(self) -> None:
        if self.companions:
            self.world.pause(self.dice.choice(self.companions))

    async def resume(self) -> None:
        if self.companions:
            self.world.resume(self.dice.choice(self.companions))

    async def clog(self) -> None:
        if self.companions:
            self.dice.choice(self.companions).buffered = SHED + 1

    async def unclog(self) -> None:
        for companion in self.companions:
            companion.buffered = 0

    async def ask(self) -> None:
        if self.companions:
            asked = self.world.ask(self.dice.choice(self.companions), *self.some)
            self.asking.append(asyncio.create_task(asked))

    # Outages

    async def service_fails(self) -> None:
        service = self.dice.choice([self.world.presence, self.world.receipts])
        service.available = not service.available

    async def service_lags(self) -> None:
        service = self.dice.choice([self.world.presence, self.world.receipts])
        service.delay = self.dice.choice([0.0, 0.01, 1.0, 3.0])

    async def nats_goes(self) -> None:
        self.world.nats.go_away()

    async def nats_returns(self) -> None:
        if self.world.nats.away:
            self.world.nats.come_back()

    async def end(self) -> None:
        for service in (self.world.presence, self.world.receipts):
            service.available, service.delay = True, 0.0
        await self.nats_returns()
        await asyncio.gather(*self.asking)
        await self.unclog()
        for companion in self.companions:
            self.world.resume(companion)
        await asyncio.sleep(60)
        for companion in self.companions:
            self.check(companion)
        newcomer = self.world.come()
        self.check(newcomer)
        assert self.world.companies.figures.stale >= 0

    def check(self, companion: Companion) -> None:
        view, here, marks = companion.view, self.world.presence.here, self.world.receipts.marks
        assert view.count == len(here)
        if view.people is None:
            assert len(here) > RELISTED_HERE
        else:
            assert len(here) <= LISTED_HERE
            assert view.people == {user: each.model_dump() for user, each in here.items()}
        assert view.asked == {user: user in here for user in view.asked}
        assert view.members == len(marks)
        if len(marks) > LISTED:
            assert view.counts == self.world.receipts.counts.model_dump(mode="json")
        else:
            assert (view.counts, view.marks) == (None, marks)


ACTS = st.sampled_from(
    [
        *[Story.arrive, Story.depart, Story.move, Story.post, Story.come] * 3,
        *[
            Story.repeat,
            Story.turn,
            Story.restate,
            Story.replica_lags,
            Story.leave_for_good,
            Story.history_is_replaced,
        ],
        *[Story.go, Story.pause, Story.resume, Story.clog, Story.unclog, Story.ask, Story.ask],
        *[Story.service_fails, Story.service_lags, Story.nats_goes, Story.nats_returns],
    ]
)
PAUSES = st.sampled_from([None, None, 0.0, 0.0, 0.001, 0.05, 0.6, 2.5, 40.0])
"""Seconds until the next act; `None` is in the same turn of the loop."""


@pytest.mark.parametrize("many", [0, LISTED - 2], ids=["few members", "about as many as are listed"])
@given(
    acts=st.lists(st.tuples(ACTS, PAUSES), min_size=5, max_size=60),
    dice=st.randoms(use_true_random=False),
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_at_rest_every_member_is_shown_what_is_true(
    many: int, acts: list[tuple[Callable[[Story], Awaitable[None]], float | None]], dice: random.Random
) -> None:
    async def tell() -> None:
        members = [f"m{number}" for number in range(many)]
        async with gathering(*USERS[:2], members=members, listed=LISTED_HERE) as world:
            story = Story(world, dice)
            for act, pause in acts:
                await act(story)
                if pause is not None:
                    await asyncio.sleep(pause)
            await story.end()

    run(tell())
