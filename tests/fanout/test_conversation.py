"""What a client may ask for beside events: signals, who is here, receipts, what is unread."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fakelog import EPOCH, ROOM, UnrulyNats
from nodes import SECRET, Client, Node, node, token

from chassis.auth import sign
from events import subjects
from events.presence import Lease, PresenceAnswer, PresenceQuery, Present
from events.receipts import (
    Change,
    Changes,
    MemberReceipt,
    Receipts,
    RoomUnread,
    UnreadAnswer,
    WatermarksAnswer,
)

APP = "app"
PATIENCE = 30
"""Seconds after which something that was to come is missing."""


class Services:
    """What presence and comments answer."""

    def __init__(self) -> None:
        self.unread = UnreadAnswer(users={"u1": []})
        self.counted = 0
        """Questions for what is unread that were answered."""

    async def present(self, question: bytes) -> bytes:
        asked = PresenceQuery.decode(question).users or []
        absent = [Present(user=user, here=False) for user in asked]
        return PresenceAnswer(count=0, asked=absent).encode()

    async def watermarks(self, _question: bytes) -> bytes:
        receipts = [MemberReceipt(user="u1", delivered=3, read=2)]
        return WatermarksAnswer(epoch=EPOCH, members=1, receipts=receipts).encode()

    async def count(self, _question: bytes) -> bytes:
        self.counted += 1
        return self.unread.encode()


@asynccontextmanager
async def furnished(**settings: Any) -> AsyncIterator[tuple[Node, Services]]:
    """A node whose neighbours answer."""
    nats, services = UnrulyNats(), Services()
    await nats.leases().ensure_leases()
    await nats.receipts().ensure_receipts()
    await nats.serve(subjects.PRESENCE_QUERY, "presence", services.present)
    await nats.serve(subjects.WATERMARKS, "comments", services.watermarks)
    await nats.serve(subjects.UNREAD, "comments", services.count)
    async with node(nats=nats, receipts_interval=0.01, **settings) as n:
        yield n, services


def held(n: Node) -> list[Lease]:
    return [Lease.decode(value) for value in n.nats.leases().live.values()]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.005)


# Where a connection is


async def test_presence_is_told_where_a_connection_is_until_it_is_closed() -> None:
    async with furnished() as (n, _):
        async with n.stranger() as client:
            await client.ask("connect", token=token("u1"), device="phone")
            await client.ask("subscribe", room=ROOM)
            await until(lambda: [lease.rooms for lease in held(n)] == [[ROOM]])
            [lease] = held(n)
            assert (lease.user, lease.device, lease.activity) == ("u1", "phone", "active")
            assert await client.ask("activity", activity="idle") == {"type": "ok"}
            await until(lambda: [lease.activity for lease in held(n)] == ["idle"])
            await client.ask("unsubscribe", room=ROOM)
            await until(lambda: [lease.rooms for lease in held(n)] == [[]])
        await until(lambda: held(n) == [])


async def test_a_device_may_be_named_in_the_url() -> None:
    async with furnished() as (n, _), n.stranger(f"?token={token('u1')}&device=My%20laptop") as client:
        await client.receive()
        await until(lambda: [lease.device for lease in held(n)] == ["My laptop"])


async def test_a_room_that_a_new_token_does_not_allow_is_left_for_presence_too() -> None:
    async with furnished() as (n, _), n.member("u1") as client:
        await until(lambda: [lease.rooms for lease in held(n)] == [[ROOM]])
        await client.ask("refresh", token=token("u1", elsewhere="r"))
        await until(lambda: [lease.rooms for lease in held(n)] == [[]])


async def test_another_name_is_told_to_presence_at_once() -> None:
    async with furnished() as (n, _), n.member("u1") as client:
        renamed = sign(SECRET, "u1", name="Someone", rooms={"*": "rw"}, ttl=60)
        await client.ask("refresh", token=renamed)
        await until(lambda: [lease.name for lease in held(n)] == ["Someone"])


# Signals


async def test_that_somebody_types_is_told_at_most_once_in_a_while() -> None:
    async with furnished(typing_seconds=3600) as (n, _), n.member("u1") as one, n.member("u2") as two:
        for _ in range(3):
            assert await one.ask("typing", room=ROOM) == {"type": "ok"}
        assert await two.ask("typing", room=ROOM) == {"type": "ok"}
        await one.ask("signal", room=ROOM, name="done", data=None)
        told: list[dict[str, Any]] = list(two.aside)
        while not told or told[-1].get("name") != "done":
            told.append(await two.receive())
        assert [frame["name"] for frame in told if frame["type"] == "signal"] == ["typing", "done"]


async def test_signals_have_a_rate_of_their_own() -> None:
    async with furnished(signals_per_second=0.001, signals_burst=2) as (n, _), n.member("u1") as one:
        for _ in range(2):
            assert await one.ask("signal", room=ROOM, name="n", data=1) == {"type": "ok"}
        refused = await one.ask("signal", room=ROOM, name="n", data=1)
        assert (refused["code"], refused["room"]) == ("too_many_requests", ROOM)
        assert refused["retryAfter"] > 0
        assert await one.ask("typing", room=ROOM) == {"type": "ok"}


# Who is here, and how far they are


async def test_a_subscription_says_who_is_here_and_how_far_they_are() -> None:
    async with furnished() as (n, _), n.client("u1") as client:
        answer = await client.ask("subscribe", room=ROOM)
    assert answer["presence"] == {"count": 0, "people": []}
    assert answer["receipts"]["receipts"] == [{"user": "u1", "delivered": 3, "read": 2}]
    assert answer["receipts"]["members"] == 1


async def test_users_that_are_asked_for_are_answered_in_order() -> None:
    async with furnished() as (n, _), n.member("u1") as client:
        answer = await client.ask("presence", room=ROOM, users=["b", "a"])
        assert [each["user"] for each in answer["asked"]] == ["b", "a"]
        assert (answer["type"], answer["room"], answer["count"]) == ("presence", ROOM, 0)


async def test_who_is_here_is_for_those_who_are_subscribed() -> None:
    async with furnished() as (n, _), n.client("u1") as client:
        assert await client.refusal("presence", room=ROOM, users=["a"]) == "not_subscribed"


async def test_without_presence_and_comments_questions_are_refused_and_events_flow() -> None:
    async with node() as n, n.client("u1") as client:
        answer = await client.ask("subscribe", room=ROOM)
        assert (answer["presence"], answer["receipts"]) == (None, None)
        assert await client.refusal("presence", room=ROOM, users=["a"]) == "unavailable"
        assert await client.refusal("unread") == "unavailable"
        n.post()
        assert await client.events(1) == [1]


# Receipts


async def test_what_is_delivered_and_read_reaches_the_stream_with_the_epoch() -> None:
    async with furnished() as (n, _), n.member("u1") as client:
        n.post(5)
        await client.events(5)
        assert await client.ask("delivered", room=ROOM, offset=5) == {"type": "ok"}
        assert await client.ask("read", room=ROOM, offset=4) == {"type": "ok"}
        taken = await n.nats.receipts().take_receipts(APP, "reader", 10, PATIENCE)
    batches = [Receipts.decode(each.data) for each in taken]
    assert {batch.epoch for batch in batches} == {EPOCH}
    assert max(each.delivered for batch in batches for each in batch.receipts) == 5


async def test_an_offset_that_the_room_has_not_reached_is_acknowledged_without_its_epoch() -> None:
    async with furnished() as (n, _), n.member("u1") as client:
        await client.ask("read", room=ROOM, offset=2**40)
        [taken] = await n.nats.receipts().take_receipts(APP, "reader", 10, PATIENCE)
    assert Receipts.decode(taken.data).epoch is None


async def test_one_who_may_not_read_a_room_acknowledges_nothing_there() -> None:
    async with furnished() as (n, _), n.client("u1", elsewhere="rw") as client:
        assert await client.refusal("delivered", room=ROOM, offset=1) == "forbidden"
        assert await client.refusal("read", room=ROOM, offset=1) == "forbidden"


async def test_more_receipts_than_may_wait_are_refused() -> None:
    async with furnished(receipts_waiting=1) as (n, _), n.member("u1") as one, n.member("u2") as two:
        n.nats.go_away()
        assert await one.ask("delivered", room=ROOM, offset=5) == {"type": "ok"}
        assert await two.refusal("delivered", room=ROOM, offset=5) == "unavailable"


# Unread


def room_unread(room: str, unread: int) -> RoomUnread:
    return RoomUnread(room=room, head=9, read=9 - unread, unread=unread, mentioned=False)


@pytest.mark.parametrize("pattern", [ROOM, "*"], ids=["one room", "any room"])
async def test_of_what_is_unread_a_client_is_told_what_it_may_read(pattern: str) -> None:
    async with furnished() as (n, services), n.client("u1", 600, **{pattern: "r"}) as client:
        services.unread = UnreadAnswer(users={"u1": [room_unread(ROOM, 2), room_unread("secret", 1)]})
        answer = await client.ask("unread")
    expected = [ROOM] if pattern == ROOM else [ROOM, "secret"]
    assert [each["room"] for each in answer["rooms"]] == expected
    assert answer["rooms"][0] == {"room": ROOM, "head": 9, "read": 7, "unread": 2, "mentioned": False}


async def test_a_new_token_gives_and_takes_rooms_of_which_it_is_told_what_is_unread() -> None:
    async with furnished() as (n, services), n.stranger() as client:
        services.unread = UnreadAnswer(users={"u1": [room_unread("a", 2), room_unread("b", 1)]})
        await client.ask("connect", token=token("u1", a="r"))
        answer = await client.ask("unread")
        assert [each["room"] for each in answer["rooms"]] == ["a"]
        await client.send("refresh", token=token("u1", b="r"))
        pushed = await client.receive()
        while pushed["type"] != "unread":
            pushed = await client.receive()
        assert ([each["room"] for each in pushed["rooms"]], pushed["left"]) == (["b"], ["a"])


# Unread, read too slowly


class Slow:
    """A client that knows what it has not read in three rooms, and takes nothing any more."""

    def __init__(self, n: Node, services: Services, client: Client) -> None:
        self.n = n
        self.services = services
        self.client = client

    async def clog(self, other: Client) -> None:
        self.client.socket.transport.pause_reading()
        while self.n.hub.figures.shed == 0:
            await other.ask("signal", room=ROOM, name="cursor", data="x" * 4000)

    def unclog(self) -> None:
        self.client.socket.transport.resume_reading()

    async def change(self, room: str, **rooms: int) -> None:
        """In this room; so many are unread in all."""
        self.services.unread = UnreadAnswer(users={"u1": [room_unread(*each) for each in rooms.items()]})
        before = self.services.counted
        changes = Changes(changes=[Change(room=room, head=9, users=["u1"])])
        await self.n.nats.send(subjects.changed(APP), changes.encode())
        await until(lambda: self.services.counted > before)

    async def told(self) -> tuple[dict[str, int], list[str]]:
        """What is unread in the rooms of the next push, and the rooms that it says are left."""
        while (frame := await self.client.receive())["type"] != "unread":
            pass
        return {each["room"]: each["unread"] for each in frame["rooms"]}, frame.get("left", [])


@asynccontextmanager
async def slow(**settings: Any) -> AsyncIterator[Slow]:
    async with (
        furnished(rate_limits="off", unread_push=0.001, **settings) as (n, services),
        n.member("u1") as client,
        n.member("u2") as other,
    ):
        services.unread = UnreadAnswer(users={"u1": [room_unread(room, 0) for room in ("a", "b", "c")]})
        await client.ask("unread")
        made = Slow(n, services, client)
        await made.clog(other)
        yield made


SHEDDING = {"write_high": 1 << 20, "shed_above": 0}
STALLED = {"write_high": 4096, "shed_above": 1 << 30}


@pytest.mark.parametrize("bounds", [SHEDDING, STALLED], ids=["more waits than may", "stalled"])
async def test_a_slow_reader_is_told_once_what_is_unread_when_it_keeps_up(bounds: dict[str, int]) -> None:
    async with slow(**bounds) as reader:
        for unread in range(1, 9):
            await reader.change("a", a=unread, b=0, c=0)
        await reader.change("b", a=8, c=0)
        reader.unclog()
        assert await reader.told() == ({"a": 8}, ["b"])
        await reader.change("c", a=8, c=1)
        assert await reader.told() == ({"c": 1}, [])


async def test_a_slow_reader_is_told_what_its_newest_token_allows() -> None:
    async with slow(**SHEDDING) as reader:
        await reader.change("a", a=1, b=0, c=0)
        await reader.change("b", a=1, b=1, c=0)
        await reader.client.send("refresh", token=token("u1", a="r"))
        await reader.change("b", a=1, b=2, c=0)
        reader.unclog()
        assert await reader.told() == ({"a": 1}, ["b", "c"])
