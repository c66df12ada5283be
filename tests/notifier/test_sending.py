"""What is sent, looked at again at the moment of sending, and what is written down of it."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from pushing import Core, Neighbours, until
from pushworld import ROOM, World

from notifier.errors import TooSlow
from notifier.model import Reason
from notifier.outbox import Outbox
from notifier.outbox_rows import Claimed, Fate
from notifier.sender import Gone, Push, Rejected, Retry, Unknown


@pytest.fixture
async def world(world: World) -> World:
    await world.room(title="Rust in 30 days")
    await world.member("ada", "bob")
    await world.device("bob")
    return world


async def push_of(core: Core) -> Push:
    """The only one."""
    await core.deciding.decide_due()
    await core.send_due()
    [push] = core.pushes
    return push


async def test_a_push_says_who_wrote_what_where(world: World, core: Core, neighbours: Neighbours) -> None:
    neighbours.unread["bob"] = 7
    id_, offset = await world.comment("hello " * 20, trace="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    push = await push_of(core)
    assert (push.title, push.body) == (
        "New message in Rust in 30 days",
        f"Ada: {('hello ' * 20)[:50].rstrip()}...",
    )
    assert (push.kind, push.room, push.offset, push.comment) == ("comment", ROOM, offset, id_)
    assert (push.badge, push.more, push.again) == (7, 0, False)
    assert push.trace == "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    assert await world.told() == [("d-bob", 1, "sent", "push")]
    [row] = await world.pushes()
    assert (row["answer"], row["attempts"]) == ("taken", 1)


async def test_an_edit_changes_the_text_that_is_sent(world: World, core: Core) -> None:
    await world.comment("first")
    await core.deciding.decide_due()
    await world.pool.execute("update notifier.comments set body = 'second'")
    await core.send_due()
    assert [push.body for push in core.pushes] == ["Ada: second"]


CHANGES = {
    "deleted": ("update notifier.comments set deleted = true", Reason.DELETED),
    "read": ("update notifier.members set read = 1", Reason.READ),
    "left": ("delete from notifier.members where \"user\" = 'bob'", Reason.NOT_A_MEMBER),
    "signed out": ("delete from notifier.devices", Reason.DEVICE_GONE),
    "another person": ("update notifier.devices set \"user\" = 'eve'", Reason.DEVICE_GONE),
    "muted": (
        (
            'insert into notifier.preferences (app, "user", room, muted_until) values '
            f"('test', 'bob', '{ROOM}', '9999-12-31')"
        ),
        Reason.ROOM_MUTED,
    ),
    "stale": ("update notifier.pushes set expires_at = now()", Reason.EXPIRED),
    "forgotten": ("delete from notifier.comments", Reason.EXPIRED),
}


@pytest.mark.parametrize(("statement", "reason"), CHANGES.values(), ids=CHANGES)
async def test_what_happened_since_is_looked_at(
    world: World, core: Core, statement: str, reason: Reason
) -> None:
    await world.comment()
    await core.deciding.decide_due()
    await world.pool.execute(statement)
    await core.send_due()
    assert core.pushes == []
    assert await world.told() == [("d-bob", 1, "cancelled", reason)]


async def test_who_came_back_meanwhile_is_not_pushed(
    world: World, core: Core, neighbours: Neighbours
) -> None:
    await world.comment()
    await core.deciding.decide_due()
    await world.member("bob", delivered=1)
    neighbours.here["bob"] = "active"
    await core.send_due()
    assert await world.told() == [("d-bob", 1, "cancelled", "here")]


async def test_quiet_hours_that_began_meanwhile_hold_it_back_to_their_end(world: World, core: Core) -> None:
    await world.comment()
    await core.deciding.decide_due()
    now = datetime.now(UTC)
    await world.quiet("bob")
    await core.send_due()
    [row] = await world.pushes()
    assert (row["state"], row["reason"]) == ("waiting", "quiet_hours")
    assert row["not_before"] > now + timedelta(minutes=58)


async def test_a_burst_is_one_notification_that_evolves(world: World, core: Core) -> None:
    for body in ("one", "two", "three"):
        await world.comment(body)
        await core.deciding.decide_due()
        await core.send_due()
    assert [push.body for push in core.pushes] == ["Ada: one", "Ada: two (+1 more)", "Ada: three (+2 more)"]
    assert len({push.tag for push in core.pushes}) == 1
    assert len({push.id for push in core.pushes}) == 3


async def test_an_earlier_comment_does_not_replace_a_later_one(world: World, core: Core) -> None:
    """Its first attempt failed while the later one was decided."""
    await world.comment("earlier")
    await core.deciding.decide_due()
    [row] = await core.outbox.claim({"webpush": 10}, "another", 60)
    await world.comment("later")
    await core.deciding.decide_due()
    await core.outbox.settle("another", [Fate(row.id, "waiting", not_before=datetime.now(UTC))])
    await core.send_due()
    assert [push.body for push in core.pushes] == ["Ada: later (+1 more)"]
    assert await world.told() == [("d-bob", 1, "cancelled", "collapsed"), ("d-bob", 2, "sent", "push")]


async def test_a_device_that_the_provider_does_not_know_is_forgotten(world: World, core: Core) -> None:
    core.senders["webpush"].outcomes = [Gone(None, "410")]
    await world.comment()
    await push_of(core)
    assert await world.told() == [("d-bob", 1, "cancelled", "device_gone")]
    assert await world.pool.fetchval("select count(*) from notifier.devices") == 0


async def test_a_device_that_was_registered_since_is_kept(world: World, core: Core) -> None:
    core.senders["webpush"].outcomes = [Gone(datetime.now(UTC) - timedelta(days=1), "410")]
    await world.comment()
    await push_of(core)
    assert await world.pool.fetchval("select count(*) from notifier.devices") == 1


async def test_what_was_not_taken_is_sent_again_later(world: World, core: Core) -> None:
    core.senders["webpush"].outcomes = [Retry(0, "503")]
    await world.comment()
    await core.deciding.decide_due()
    await core.send_due()
    assert await world.told() == [("d-bob", 1, "waiting", "push")]
    await world.make_due()
    await core.send_due()
    assert await world.told() == [("d-bob", 1, "sent", "push")]
    first, second = core.pushes
    assert first.id == second.id
    assert not second.again


@pytest.mark.parametrize("outcome", [Unknown("no answer"), RuntimeError("a bug")], ids=["unknown", "error"])
async def test_what_may_have_been_shown_is_replaced_without_a_sound(
    world: World, core: Core, outcome: Unknown | Exception
) -> None:
    core.senders["webpush"].outcomes = [outcome]
    await world.comment()
    await core.deciding.decide_due()
    await core.send_due()
    await world.make_due()
    await core.send_due()
    first, second = core.pushes
    assert (first.id, first.tag, first.again) == (second.id, second.tag, False)
    assert second.again


async def test_a_refusal_is_written_down_and_not_repeated(
    world: World, core: Core, caplog: pytest.LogCaptureFixture
) -> None:
    core.senders["webpush"].outcomes = [Rejected("BadTopic\n", ours=True)]
    await world.comment()
    await push_of(core)
    [row] = await world.pushes()
    assert (row["state"], row["answer"]) == ("failed", "BadTopic ")
    assert "look at its settings" in caplog.text


async def test_one_that_takes_long_does_not_hold_up_others(world: World, core: Core) -> None:
    await world.device("bob", "phone", "fcm")
    core.senders["fcm"].open.clear()
    await world.comment()
    await core.deciding.decide_due()
    async with core.sends():
        await until(lambda: bool(core.senders["fcm"].pushes))
        while ("d-bob", 1, "sent", "push") not in await world.told():
            await asyncio.sleep(0.01)
        assert ("phone", 1, "sending", "push") in await world.told()
        core.senders["fcm"].open.set()
    assert [row[2] for row in await world.told()] == ["sent", "sent"]


async def test_no_more_fly_than_may(world: World, neighbours: Neighbours) -> None:
    core = Core(world, neighbours.nats, concurrency=3)
    for number in range(9):
        await world.device("bob", f"phone {number}")
    core.senders["webpush"].open.clear()
    await world.comment()
    await core.deciding.decide_due()
    async with core.sends():
        await until(lambda: len(core.pushes) == 3)
        due, _ = await core.outbox.overdue()
        assert (due, core.sending.flying) == (7, 3)
        core.senders["webpush"].open.set()
        await until(lambda: len(core.pushes) == 10)
    assert {row[2] for row in await world.told()} == {"sent"}


async def test_a_platform_that_hangs_holds_up_no_other(world: World, neighbours: Neighbours) -> None:
    core = Core(world, neighbours.nats, concurrency=3)
    for number in range(5):
        await world.device("bob", f"phone {number}", "fcm")
    core.senders["fcm"].open.clear()
    core.senders["webpush"].open.clear()
    await world.comment()
    await core.deciding.decide_due()
    async with core.sends():
        await until(lambda: len(core.senders["fcm"].pushes) == 3 and bool(core.senders["webpush"].pushes))
        core.senders["webpush"].open.set()
        while ("d-bob", 1, "sent", "push") not in await world.told():
            await asyncio.sleep(0.01)
        await world.device("bob", "another")
        await world.comment()
        await core.deciding.decide_due()
        await until(lambda: any(push.device.id == "another" for push in core.pushes))
        assert len(core.senders["fcm"].pushes) == 3
        core.senders["fcm"].open.set()


class Unheard(Outbox):
    """The answer to the first claim is lost, not what it took."""

    losses: ClassVar = [TooSlow("Postgres takes too long")]

    async def claim(self, free: Mapping[str, int], holder: str, lease: float) -> Sequence[Claimed]:
        rows = await super().claim(free, holder, lease)
        if self.losses:
            raise self.losses.pop()
        return rows


async def test_what_a_claim_took_whose_answer_was_lost_is_sent_as_if_it_was_not(
    world: World, neighbours: Neighbours
) -> None:
    core = Core(world, neighbours.nats, outbox=Unheard)
    await world.comment()
    await core.deciding.decide_due()
    async with core.sends():
        await until(lambda: bool(core.pushes))
    assert [push.again for push in core.pushes] == [False]
    [row] = await world.pushes()
    assert (row["state"], row["attempts"], row["unsure"]) == ("sent", 1, False)


async def test_what_a_killed_process_had_claimed_is_sent_in_its_place(world: World, core: Core) -> None:
    await world.comment()
    await core.deciding.decide_due()
    await core.outbox.claim({"webpush": 10}, "killed", 0)
    recovering = asyncio.create_task(core.sending.recover())
    async with core.sends():
        await until(lambda: bool(core.pushes))
    recovering.cancel()
    assert [push.again for push in core.pushes] == [True]
    assert await world.told() == [("d-bob", 1, "sent", "push")]


async def test_what_is_read_elsewhere_is_taken_back_and_lowers_the_badge(
    world: World, core: Core, neighbours: Neighbours
) -> None:
    neighbours.unread["bob"] = 3
    await world.comment()
    await push_of(core)
    await world.took_back()
    await core.send_due()
    shown, back = core.pushes
    assert (back.kind, back.tag, back.badge, back.title, back.body) == ("read", shown.tag, 3, "", "")
    assert back.id != shown.id


async def test_when_the_newest_is_deleted_the_one_before_it_is_told_of(world: World, core: Core) -> None:
    await world.comment("first")
    await world.comment("second")
    await core.deciding.decide_due()
    await world.pool.execute('update notifier.comments set deleted = true where "offset" = 2')
    await core.send_due()
    assert core.pushes == []
    await core.deciding.decide_due()
    await core.send_due()
    assert [push.body for push in core.pushes] == ["Ada: first"]


async def test_one_that_collapsed_into_a_deleted_one_is_told_of(world: World, core: Core) -> None:
    await world.comment("first")
    await core.deciding.decide_due()
    await world.comment("second")
    await core.deciding.decide_due()
    assert await world.told() == [("d-bob", 1, "cancelled", "collapsed"), ("d-bob", 2, "waiting", "push")]
    await world.pool.execute('update notifier.comments set deleted = true where "offset" = 2')
    await core.send_due()
    await core.deciding.decide_due()
    await core.send_due()
    assert await world.told() == [("d-bob", 1, "sent", "push"), ("d-bob", 2, "cancelled", "deleted")]


async def test_what_is_urgent_does_not_collapse_into_what_waits_for_the_morning(
    world: World, core: Core
) -> None:
    await world.quiet("bob")
    await world.comment("urgent", urgent=True)
    await world.comment("not urgent")
    await core.deciding.decide_due()
    await core.send_due()
    assert [push.body for push in core.pushes] == ["Ada: urgent"]
    assert await world.told() == [("d-bob", 1, "sent", "push"), ("d-bob", 2, "waiting", "quiet_hours")]


async def test_what_is_urgent_and_waits_is_not_put_off_by_a_later_one(world: World, core: Core) -> None:
    core.senders["webpush"].outcomes = [Retry(0, "503")]
    await world.quiet("bob")
    await world.comment("urgent", urgent=True)
    await core.deciding.decide_due()
    await core.send_due()
    await world.comment("not urgent")
    await core.deciding.decide_due()
    await world.pool.execute("update notifier.pushes set not_before = now() where reason = 'push'")
    await core.send_due()
    assert [push.body for push in core.pushes] == ["Ada: urgent", "Ada: urgent"]


async def test_safari_is_sent_nothing_that_it_would_not_show(world: World, core: Core) -> None:
    await world.comment()
    await push_of(core)
    await world.pool.execute("update notifier.devices set address = 'https://web.push.apple.com/abc'")
    await world.took_back()
    await core.send_due()
    assert [push.kind for push in core.pushes] == ["comment"]
    assert ("d-bob", 1, "cancelled", "read_elsewhere") in await world.told()
