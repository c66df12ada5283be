"""What is looked at again: after a comment was deleted, and when a push would hide what is shown later."""

import asyncio
from collections.abc import Sequence

import pytest
from pushing import Core, Neighbours
from pushworld import World

from events import NoAnswer
from events.testing import MemoryNats
from notifier.matters import Matters
from notifier.sender import Retry


@pytest.fixture
async def world(world: World) -> World:
    await world.room()
    await world.member("ada", "bob")
    await world.device("bob")
    return world


async def deleted(world: World, offset: int) -> None:
    await world.pool.execute('update notifier.comments set deleted = true where "offset" = $1', offset)


async def settled(core: Core) -> None:
    """Sent, decided again, and sent."""
    for _ in range(3):
        await core.send_due()
        await core.deciding.decide_due()
    await core.send_due()


async def only_mentions(world: World, user: str) -> None:
    await world.pool.execute(
        'insert into notifier.preferences (app, "user", room, level, preview, muted_users) '
        "values ($1, $2, '', 'mentions', true, '{}')",
        world.app, user,
    )  # fmt: skip


async def test_a_mention_behind_others_comments_is_pushed_when_the_newest_is_deleted(
    world: World, core: Core
) -> None:
    await only_mentions(world, "bob")
    await world.comment("first", mentions=["bob"])
    await world.comment("of others")
    await world.comment("third", mentions=["bob"])
    await core.deciding.decide_due()
    await deleted(world, 3)
    await settled(core)
    assert [push.body for push in core.pushes] == ["Ada: first"]


async def test_when_the_newest_is_deleted_the_others_are_counted(world: World, core: Core) -> None:
    for body in ("one", "two", "three", "four"):
        await world.comment(body)
    await core.deciding.decide_due()
    await deleted(world, 4)
    await settled(core)
    assert [(push.offset, push.more) for push in core.pushes] == [(3, 2)]


async def test_what_is_deleted_while_it_is_decided_hides_nothing(
    world: World, core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.comment("first")
    await world.comment("second")
    decided = Matters.decided

    async def late(matters: Matters, room: str, offsets: Sequence[int]) -> None:
        if len(offsets) > 1:
            await deleted(world, 2)
            await core.send_due()
        await decided(matters, room, offsets)

    monkeypatch.setattr(Matters, "decided", late)
    await core.deciding.decide_due()
    await settled(core)
    assert [push.body for push in core.pushes] == ["Ada: first"]


async def test_who_was_here_gets_no_push_because_something_else_is_deleted(
    world: World, core: Core, neighbours: Neighbours
) -> None:
    await world.member("eve", delivered=2)
    await world.device("eve")
    neighbours.here["eve"] = "active"
    await world.comment("first")
    await world.comment("second")
    await core.deciding.decide_due()
    del neighbours.here["eve"]
    await deleted(world, 2)
    await settled(core)
    assert [(push.device.user, push.offset) for push in core.pushes] == [("bob", 1)]


async def test_what_is_taken_back_late_does_not_hide_what_came_after_it(world: World, core: Core) -> None:
    await world.comment("one")
    await core.deciding.decide_due()
    await core.send_due()
    await world.took_back()
    core.senders["webpush"].outcomes = [Retry(0, "429")]
    await core.send_due()
    await world.comment("two")
    await core.deciding.decide_due()
    await world.make_due()
    await core.send_due()
    await world.make_due()
    await core.send_due()
    assert [(push.kind, push.offset) for push in core.pushes][-1] == ("comment", 2)


async def test_a_push_that_was_only_looked_at_was_not_tried(world: World, core: Core) -> None:
    await world.comment("tea")
    await core.deciding.decide_due()
    await world.quiet("bob")
    await core.send_due()
    [row] = await world.pushes()
    assert (row["state"], row["reason"], row["attempts"]) == ("waiting", "quiet_hours", 0)


class Silent(MemoryNats):
    """Requests are never answered."""

    async def request(self, subject: str, payload: bytes, timeout: float) -> bytes:
        await asyncio.sleep(timeout)
        raise NoAnswer("nobody is there")


async def test_nobody_is_asked_for_longer_than_a_push_is_held(world: World, core: Core) -> None:
    await world.comment()
    await world.member("bob", delivered=1)
    away = Core(world, Silent())
    await away.deciding.decide_due()
    async with away.sends():
        while not away.pushes:
            await asyncio.sleep(0.05)
    assert [push.badge for push in away.pushes] == [None]
