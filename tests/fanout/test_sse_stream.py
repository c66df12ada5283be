"""One stream of server-sent events: what its reader is given, and how it ends."""

import asyncio
import json
from typing import Any

import pytest
from crowd import World, turn, upto
from fakelog import EPOCH, FakeLog, event
from hypothesis import given, settings
from hypothesis import strategies as st
from streaming import LIMITS, Reader, Streams
from virtualtime import run

from chassis.limits import Rate
from events import Record
from fanout import sse
from fanout.closes import Close
from fanout.requests import Position
from fanout.roster import Pace, Roster


def last(reader: Reader) -> dict[str, Any]:
    """What its stream ended with."""
    assert reader.task.done()
    assert reader.types[-1] == "closing"
    said: dict[str, Any] = json.loads(reader.messages[-1].data)
    return said


async def test_a_stream_gives_what_happens_from_then_on() -> None:
    async with World(FakeLog(7)) as world:
        reader = Streams(world).open()
        await turn()
        world.post(2)
        await turn()
        assert [(each.type, each.id) for each in reader.messages] == [
            ("subscribed", f"{EPOCH}:7"),
            ("message", f"{EPOCH}:8"),
            ("message", f"{EPOCH}:9"),
        ]
        assert reader.parser.retry == 1500
        await reader.leave()


@pytest.mark.parametrize("ring", [0, 1 << 20])
async def test_a_stream_that_returns_gives_what_was_missed_first(ring: int) -> None:
    async with World(FakeLog(7), ring=ring) as world:
        reader = Streams(world).open(Position(EPOCH, 4))
        await turn()
        world.post()
        await turn()
        assert reader.messages[0].id == f"{EPOCH}:4"
        assert json.loads(reader.messages[0].data)["recovered"] is True
        assert reader.offsets == [5, 6, 7, 8]
        await reader.leave()


@pytest.mark.parametrize("since", [Position("epoch-0", 4), Position(EPOCH, 8)])
async def test_a_position_that_the_log_does_not_have_is_not_recovered(since: Position) -> None:
    async with World(FakeLog(7)) as world:
        reader = Streams(world).open(since)
        await turn()
        assert reader.messages[0].id == f"{EPOCH}:7"
        assert json.loads(reader.messages[0].data)["recovered"] is False
        await reader.leave()


async def test_signals_come_without_a_position() -> None:
    async with World(FakeLog(7)) as world:
        reader = Streams(world).open()
        await turn()
        world.nats.signal(b'{"name":"typing","user":"u2","data":null}')
        await turn()
        assert (reader.types[-1], reader.messages[-1].id) == ("signal", f"{EPOCH}:7")
        assert json.loads(reader.messages[-1].data)["user"] == "u2"
        await reader.leave()


async def test_one_who_leaves_is_forgotten() -> None:
    async with World(FakeLog(7)) as world:
        streams = Streams(world)
        reader = streams.open()
        await turn()
        assert (world.hub.figures.members, streams.roster.open) == (1, 1)
        await reader.leave()
        world.post()
        await turn()
        assert (world.hub.figures.members, streams.roster.open) == (0, 0)
        assert reader.offsets == []


async def test_one_who_leaves_before_the_room_was_read_is_no_member() -> None:
    async with World(FakeLog(7)) as world:
        world.log.delay = 0.1
        reader = Streams(world).open()
        await turn()
        await reader.leave()
        await asyncio.sleep(0.2)
        assert (world.hub.figures.members, reader.types) == (0, [])


# Bounds


def heavy(world: World, count: int, size: int = 1000) -> list[Record]:
    records = world.log.append(count)
    for each in records:
        world.log.events[each.offset - 1] = event(each.offset) + b" " * size
    return [record_with(each, world.log.events[each.offset - 1]) for each in records]


def record_with(record: Record, data: bytes) -> Record:
    return Record(
        record.app, record.room, record.epoch, record.offset, record.id, record.type, record.at, data
    )


async def test_one_who_does_not_read_gets_everything_later_and_holds_nobody_up() -> None:
    async with World(FakeLog(), ring=0) as world:
        streams = Streams(world)
        slow, fast = streams.open(), streams.open()
        await turn()
        slow.reading.clear()
        most = 0
        for _ in range(400):
            world.nats.deliver(*heavy(world, 1))
            await turn()
            most = max(most, slow.stream.buffered)
        assert fast.offsets == upto(400)
        assert world.hub.figures.paused == 1
        assert LIMITS.write_high < most < LIMITS.write_high + 2000
        slow.reading.set()
        async with asyncio.timeout(10):
            while len(slow.offsets) < 400:
                await turn()
        world.post()
        await turn()
        assert slow.offsets == fast.offsets == upto(401)
        for reader in (slow, fast):
            await reader.leave()


async def test_one_who_does_not_read_gets_no_signals() -> None:
    async with World(FakeLog()) as world:
        reader = Streams(world).open()
        await turn()
        reader.reading.clear()
        for _ in range(2):
            world.nats.signal(b'{"name":"n","user":"u","data":"%b"}' % (b"x" * 100_000))
            await turn()
        reader.reading.set()
        await turn()
        assert reader.types == ["subscribed", "signal"]
        assert world.hub.figures.shed == 1
        await reader.leave()


async def test_what_waits_is_sent_in_pieces() -> None:
    async with World(FakeLog(200)) as world:
        world.log.events = [event(offset) + b" " * 5000 for offset in upto(200)]
        reader = Streams(world).open(Position(EPOCH, 0))
        reader.reading.clear()
        await turn()
        world.nats.deliver(*heavy(world, 3, 40_000))
        await turn()
        reader.reading.set()
        await turn()
        assert reader.offsets == upto(203)
        await reader.leave()


# Time


def test_a_silent_stream_says_a_line_now_and_then() -> None:
    async def listen() -> None:
        async with World(FakeLog()) as world:
            reader = Streams(world).open()
            await asyncio.sleep(60)
            assert reader.parser.comments == 2
            world.post()
            await asyncio.sleep(24)
            assert reader.parser.comments == 2
            await asyncio.sleep(2)
            assert reader.parser.comments == 3
            await reader.leave()

    run(listen())


def test_one_who_does_not_read_is_sent_no_line() -> None:
    async def listen() -> None:
        async with World(FakeLog()) as world:
            reader = Streams(world).open()
            await asyncio.sleep(1)
            reader.reading.clear()
            await asyncio.sleep(600)
            assert reader.stream.buffered <= 2 * len(sse.HEARTBEAT)
            await reader.leave()

    run(listen())


def test_a_token_that_ends_is_announced_and_then_ends_the_stream() -> None:
    async def listen() -> None:
        async with World(FakeLog()) as world:
            reader = Streams(world).open(lasts=200)
            await asyncio.sleep(139)
            assert reader.types == ["subscribed"]
            await asyncio.sleep(2)
            assert reader.types == ["subscribed", "expiring"]
            assert json.loads(reader.messages[-1].data) == {"seconds": 60.0}
            await asyncio.sleep(60)
            assert last(reader) == {"code": 4002, "message": Close.TOKEN_EXPIRED.meaning}

    run(listen())


def test_a_token_that_lasts_for_less_than_the_warning_is_announced_at_half_of_it() -> None:
    async def listen() -> None:
        async with World(FakeLog()) as world:
            reader = Streams(world).open(lasts=40)
            await asyncio.sleep(21)
            assert reader.types == ["subscribed", "expiring"]
            assert json.loads(reader.messages[-1].data)["seconds"] == pytest.approx(20, abs=1)
            await asyncio.sleep(20)
            assert last(reader)["code"] == 4002

    run(listen())


# The server's side


async def test_one_who_is_sent_elsewhere_is_given_what_has_happened_and_then_told_when() -> None:
    async with World(FakeLog()) as world:
        streams = Streams(world)
        reader = streams.open()
        await turn()
        world.post(3)
        reader.stream.retire(2.5)
        world.post()
        await asyncio.wait([reader.task])
        assert reader.offsets == [1, 2, 3]
        assert last(reader) == {
            "code": 4000,
            "message": Close.RESUME_ELSEWHERE.meaning,
            "retryAfter": 2.5,
        }
        assert reader.parser.retry == 2500
        assert streams.roster.open == 0


async def test_one_who_does_not_read_is_sent_elsewhere_when_it_has_read_what_waits() -> None:
    async with World(FakeLog()) as world:
        reader = Streams(world).open()
        await turn()
        reader.reading.clear()
        world.nats.deliver(*heavy(world, 50))
        await turn()
        reader.stream.retire(1.0)
        await turn()
        assert not reader.task.done()
        reader.reading.set()
        await asyncio.wait([reader.task])
        assert reader.offsets == upto(50)
        assert last(reader)["code"] == 4000


async def test_a_drain_ends_every_stream() -> None:
    async with World(FakeLog()) as world:
        streams = Streams(world)
        readers = [streams.open() for _ in range(10)]
        await turn()
        async with asyncio.timeout(10):
            await streams.roster.drain(0)
        places = [last(reader)["retryAfter"] for reader in readers]
        assert places == sorted(places)
        assert len(set(places)) == 10


async def test_one_who_comes_while_the_server_drains_is_sent_elsewhere() -> None:
    async with World(FakeLog()) as world:
        streams = Streams(world)
        await streams.roster.drain(0)
        reader = streams.open(retry=1.25)
        await asyncio.wait([reader.task])
        assert last(reader)["retryAfter"] == 1.25
        assert reader.types == ["closing"]


async def test_one_for_whom_there_is_no_room_is_told_when_to_come_back() -> None:
    async with World(FakeLog()) as world:
        streams = Streams(world, Roster(1, None))
        inside = streams.open()
        await turn()
        reader = streams.open()
        await asyncio.wait([reader.task])
        assert (last(reader)["code"], reader.parser.retry) == (1013, 5000)
        await inside.leave()
        again = streams.open()
        await turn()
        assert again.types == ["subscribed"]
        await again.leave()


async def test_those_who_come_at_once_are_let_in_one_after_the_other() -> None:
    async with World(FakeLog()) as world:
        streams = Streams(world, Roster(1000, Pace(Rate(10, 3))))
        readers = [streams.open() for _ in range(5)]
        await turn()
        assert [reader.types for reader in readers] == [["subscribed"]] * 3 + [["closing"]] * 2
        waits = [last(reader)["retryAfter"] for reader in readers[3:]]
        assert waits == pytest.approx([0.111, 0.222], abs=0.002)
        assert {last(reader)["code"] for reader in readers[3:]} == {4006}
        for reader in readers[:3]:
            await reader.leave()


async def test_another_history_ends_the_stream_which_returns_and_is_told() -> None:
    async with World(FakeLog(3)) as world:
        streams = Streams(world)
        reader = streams.open()
        await turn()
        world.log.epoch = "epoch-2"
        world.post()
        await asyncio.wait([reader.task])
        assert (last(reader)["code"], reader.parser.retry) == (4003, 1500)
        position = sse.position(reader.parser.last_id)
        assert position == Position(EPOCH, 3)
        again = streams.open(position)
        await turn()
        assert json.loads(again.messages[0].data) == {
            "room": "lobby",
            "epoch": "epoch-2",
            "offset": 4,
            "recovered": False,
            "presence": None,
            "receipts": None,
        }
        await again.leave()


async def test_a_room_that_cannot_be_read_now_ends_the_stream() -> None:
    async with World(FakeLog()) as world:
        world.log.available = False
        reader = Streams(world).open()
        await asyncio.wait([reader.task])
        assert (last(reader)["code"], last(reader)["retryAfter"]) == (1013, 1.5)


async def test_an_outage_is_told_and_so_is_its_end() -> None:
    async with World(FakeLog()) as world:
        streams = Streams(world)
        early = streams.open()
        await turn()
        streams.roster.degrade()
        late = streams.open()
        await turn()
        streams.roster.restore()
        await turn()
        assert early.types == ["subscribed", "degraded", "restored"]
        assert late.types == ["degraded", "subscribed", "restored"]
        for reader in (early, late):
            await reader.leave()


async def test_work_that_breaks_off_unexpectedly_ends_the_stream() -> None:
    async with World(FakeLog()) as world:
        reader = Streams(world).open()
        await turn()
        reader.stream.failed()
        await asyncio.wait([reader.task])
        assert (last(reader)["code"], last(reader)["retryAfter"]) == (1011, 1.5)


# Any order


steps = st.lists(st.sampled_from(["post", "burst", "read", "stop", "leave"]), max_size=40)


@settings(max_examples=60, deadline=None)
@given(steps, st.sampled_from([0, 20_000]))
def test_whatever_the_reader_does_it_is_given_the_log_without_a_gap_or_a_repeat(
    plan: list[str], ring: int
) -> None:
    async def follow() -> None:
        async with World(FakeLog(), ring=ring) as world:
            streams, seen = Streams(world), list[int]()
            reader = streams.open(Position(EPOCH, 0))
            await asyncio.sleep(1)
            for step in plan:
                if step in ("post", "burst"):
                    world.nats.deliver(*heavy(world, 1 if step == "post" else 20))
                elif step == "leave":
                    await reader.leave()
                    seen += reader.offsets
                    reader = streams.open(sse.position(reader.parser.last_id) or Position(EPOCH, 0))
                else:
                    (reader.reading.set if step == "read" else reader.reading.clear)()
                await asyncio.sleep(0.1)
                assert reader.stream.buffered < LIMITS.write_high + 300_000
            reader.reading.set()
            await asyncio.sleep(5)
            assert seen + reader.offsets == upto(world.log.head)
            await reader.leave()

    run(follow())
