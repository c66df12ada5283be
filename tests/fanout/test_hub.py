"""The hub: rooms that open, heal and end, and what each of their members is given."""

import asyncio

import pytest
from crowd import World, turn, upto
from fakelog import APP, ROOM, FakeLog, record
from virtualtime import run

from events import StreamError, subjects
from fanout.members import Joined
from fanout.pages import PAGE

THOUSAND = 1000


async def test_a_member_without_since_gets_what_happens_from_now_on() -> None:
    async with World(FakeLog(7)) as world:
        person = await world.join()
        world.post(3)
        await turn()
        assert person.joined == Joined("epoch-1", 7, recovered=False)
        assert person.offsets == [8, 9, 10]


@pytest.mark.parametrize("ring", [0, 1 << 20])
async def test_a_member_that_returns_gets_what_it_missed_and_then_what_happens(ring: int) -> None:
    async with World(FakeLog(7), ring=ring) as world:
        await world.join()
        world.post(3)
        person = await world.join(since=4)
        world.post()
        await turn()
        assert person.joined == Joined("epoch-1", 10, recovered=True)
        assert person.offsets == upto(11, first=5)


async def test_a_member_may_have_seen_more_elsewhere_than_was_heard_here() -> None:
    async with World(FakeLog(7)) as world:
        first = await world.join()
        late = world.log.append(3)
        person = await world.join(since=9)
        assert person.joined == Joined("epoch-1", 10, recovered=True)
        world.nats.deliver(*late)
        world.post()
        await turn()
        assert first.offsets == [8, 9, 10, 11]
        assert person.offsets == [10, 11]


async def test_a_since_that_the_log_never_had_is_not_recovered() -> None:
    async with World(FakeLog(7)) as world:
        person = await world.join(since=8)
        assert person.joined == Joined("epoch-1", 7, recovered=False)
        assert person.offsets == []


async def test_a_since_of_another_history_is_not_recovered() -> None:
    async with World(FakeLog(7)) as world:
        person = await world.join(since=5, epoch="epoch-0")
        world.post()
        await turn()
        assert person.joined == Joined("epoch-1", 7, recovered=False)
        assert person.offsets == [8]


@pytest.mark.parametrize(("ring", "since"), [(1 << 20, 7), (0, 6)])
def test_an_answer_that_was_asked_for_too_early_does_not_belie_a_since(ring: int, since: int) -> None:
    async def resume() -> None:
        log = FakeLog(5)
        async with World(log, ring=ring) as world:
            await world.join()
            log.delay = 1.0
            early = asyncio.create_task(world.pages.after(ROOM, "epoch-1", 5))
            await asyncio.sleep(0.5)
            late = log.append(2)
            if since < 7:
                world.nats.deliver(*late)
            person = await world.join(since=since)
            assert (await early).head == 5
            assert person.joined == Joined("epoch-1", 7, recovered=True)
            await asyncio.sleep(5)
            person.check(7)

    run(resume())


def test_a_thousand_that_return_at_once_with_the_same_since_ask_for_each_page_once() -> None:
    async def come_back() -> None:
        log = FakeLog(10 * PAGE)
        log.delay = 0.05
        async with World(log, ring=0) as world:
            people = [world.person(since=3 * PAGE + 7) for _ in range(THOUSAND)]
            await asyncio.gather(*(person.join() for person in people))
            await asyncio.sleep(5)
            assert len(log.pages) <= 2 * 7
            assert {tuple(person.offsets) for person in people} == {tuple(upto(2000, first=608))}

    run(come_back())


def test_a_thousand_that_return_at_once_from_everywhere_ask_for_each_page_once() -> None:
    async def come_back() -> None:
        log = FakeLog(5 * PAGE)
        log.delay = 0.05
        async with World(log, ring=0) as world:
            people = [world.person(since=offset) for offset in range(THOUSAND)]
            joining = asyncio.gather(*(person.join() for person in people))
            for _ in range(20):
                await asyncio.sleep(0.01)
                world.post()
            await joining
            await asyncio.sleep(10)
            for person in people:
                person.check(log.head)
            assert len(log.pages) <= 20

    run(come_back())


def test_a_thousand_that_are_ahead_of_this_process_ask_together() -> None:
    async def come_back() -> None:
        log = FakeLog(10)
        log.delay = 0.05
        async with World(log) as world:
            await world.join()
            log.append(5)
            people = [world.person(since=11 + offset % 5) for offset in range(THOUSAND)]
            await asyncio.gather(*(person.join() for person in people))
            await asyncio.sleep(1)
            assert {person.joined for person in people} == {Joined("epoch-1", 15, recovered=True)}
            assert len(log.pages) <= 2
            for person in people:
                person.check(15)

    run(come_back())


async def test_events_of_one_turn_arrive_in_one_write() -> None:
    async with World(FakeLog()) as world:
        people = [await world.join() for _ in range(3)]
        world.post(5)
        world.post(3)
        await turn()
        assert [person.writes for person in people] == [[b"1 2 3 4 5 6 7 8 "]] * 3
        assert world.pushed == [(upto(8), 3)]
        assert world.hub.figures.frames == 24


async def test_a_large_burst_is_written_in_several_pieces() -> None:
    async with World(FakeLog()) as world:
        person = await world.join()
        world.nats.deliver(*(record(offset, bytes(100_000)) for offset in upto(10)))
        await turn()
        assert person.offsets == upto(10)
        assert [len(frames.split()) for frames in person.writes] == [3, 3, 3, 1]


async def test_a_hole_is_filled_from_the_log() -> None:
    async with World(FakeLog(5)) as world:
        person = await world.join()
        lost, heard = world.log.append(2)
        world.nats.deliver(heard)
        await turn()
        assert lost.offset == 6
        assert person.offsets == [6, 7]
        assert world.hub.figures.holes == 1
        assert len(world.log.pages) == 1


def test_what_was_heard_and_not_kept_is_read_even_if_the_log_had_answered_before() -> None:
    async def lose() -> None:
        log = FakeLog(5)
        async with World(log, early=0) as world:
            person = await world.join()
            log.delay = 1.0
            log.append()
            world.nats.deliver(*log.append()[-1:])
            await asyncio.sleep(0.5)
            world.nats.deliver(*log.append(2))
            await asyncio.sleep(5)
            assert person.offsets == [6, 7, 8, 9]

    run(lose())


async def test_events_missed_while_nats_was_away_are_read_when_it_is_back() -> None:
    async with World(FakeLog(5)) as world:
        person = await world.join()
        world.nats.away = True
        world.log.append(2 * PAGE)
        world.nats.come_back()
        await turn()
        assert person.offsets == upto(5 + 2 * PAGE, first=6)


def test_a_log_that_cannot_be_read_is_asked_until_it_can() -> None:
    async def wait() -> None:
        log = FakeLog(5)
        async with World(log) as world:
            person = await world.join()
            log.available = False
            log.append()
            world.nats.come_back()
            await asyncio.sleep(10)
            assert person.offsets == []
            asked = len(log.requests)
            assert 4 <= asked <= 8
            log.available = True
            await asyncio.sleep(4)
            assert person.offsets == [6]
            await asyncio.sleep(10)
            assert len(log.requests) <= asked + 2

    run(wait())


async def test_another_history_loses_the_members_and_the_room_opens_afresh() -> None:
    async with World(FakeLog(5)) as world:
        people = [await world.join() for _ in range(3)]
        world.log.epoch = "epoch-2"
        world.post()
        await turn()
        assert [person.closed for person in people] == [True] * 3
        back = await world.join(since=5)
        assert back.joined == Joined("epoch-2", 6, recovered=False)
        world.post()
        await turn()
        assert back.offsets == [7]
        assert [person.offsets for person in people] == [[]] * 3
        assert len(world.nats.followers) == 1
        assert world.hub.figures.members == 1


async def test_another_history_is_also_seen_when_nats_is_back() -> None:
    async with World(FakeLog(5)) as world:
        person = await world.join()
        world.log.epoch = "epoch-2"
        world.nats.come_back()
        await turn()
        assert person.closed


async def test_one_who_joins_while_the_history_changes_is_lost_too() -> None:
    async with World(FakeLog(5), ring=0) as world:
        await world.join()
        world.post()
        world.log.epoch = "epoch-2"
        person = await world.join(since=2)
        assert person.closed
        assert person.joined is None


async def test_a_late_event_of_an_old_history_changes_nothing() -> None:
    async with World(FakeLog(5)) as world:
        person = await world.join()
        world.nats.deliver(record(6, epoch="epoch-0"))
        world.post()
        await turn()
        assert not person.closed
        assert person.offsets == [6]


def test_a_slow_reader_falls_back_to_the_log_and_misses_nothing() -> None:
    async def read() -> None:
        async with World(FakeLog(), ring=0) as world:
            slow, fast = await world.join(room=1), await world.join()
            for _ in range(10):
                world.post(2)
                await asyncio.sleep(1)
            assert slow.offsets == [1, 2]
            assert fast.offsets == upto(20)
            assert world.hub.figures.paused == 1
            while slow.stalled:
                slow.read()
                await asyncio.sleep(1)
            assert slow.offsets == upto(20)
            world.post()
            await asyncio.sleep(1)
            assert slow.offsets == fast.offsets == upto(21)

    run(read())


def test_one_who_leaves_while_the_log_is_read_is_given_nothing_more() -> None:
    async def leave() -> None:
        log = FakeLog(10, cut=3)
        async with World(log, ring=0) as world:
            await world.join()
            log.delay = 1.0
            pending, replaying = world.person(since=2), world.person(since=3)
            tasks = [asyncio.create_task(person.join()) for person in (pending, replaying)]
            await asyncio.sleep(0.5)
            pending.leave()
            await asyncio.gather(*tasks)
            replaying.leave()
            await asyncio.sleep(5)
            assert pending.joined is None
            assert replaying.joined is not None
            assert replaying.offsets == [4, 5, 6]
            assert world.hub.figures.members == 1

    run(leave())


async def test_a_room_that_cannot_be_opened_refuses_and_can_be_tried_again() -> None:
    async with World(FakeLog(5)) as world:
        world.log.available = False
        refused = await world.join()
        assert refused.refused
        assert (world.hub.rooms, world.nats.followers) == (0, [])
        world.log.available = True
        person = await world.join()
        assert person.joined == Joined("epoch-1", 5, recovered=False)


@pytest.mark.parametrize("first", [[6], [7, 6], [6, 7, 8], [8]])
def test_what_is_heard_while_a_room_opens_is_not_lost(first: list[int]) -> None:
    async def hear() -> None:
        log = FakeLog(5)
        log.delay = 1.0
        async with World(log) as world:
            person = world.person()
            joining = asyncio.create_task(person.join())
            await asyncio.sleep(0.5)
            records = {each.offset: each for each in log.append(3)}
            world.nats.deliver(*(records[offset] for offset in first))
            await joining
            await asyncio.sleep(5)
            person.check(None)
            assert [person.start, *person.offsets][-1] >= max(first)

    run(hear())


def test_a_room_lingers_after_its_last_member_and_then_ends() -> None:
    async def linger() -> None:
        async with World(FakeLog(5), linger=30.0) as world:
            person = await world.join()
            person.leave()
            await asyncio.sleep(29)
            again = await world.join(since=5)
            assert len(world.log.requests) == 1
            await asyncio.sleep(60)
            assert world.hub.rooms == 1
            again.leave()
            await asyncio.sleep(31)
            assert (world.hub.rooms, world.nats.followers) == (0, [])

    run(linger())


def test_a_room_does_not_end_under_one_who_is_joining() -> None:
    async def join() -> None:
        log = FakeLog(10)
        async with World(log, ring=0, linger=0.0) as world:
            first = await world.join()
            log.delay = 1.0
            second = world.person(since=2)
            joining = asyncio.create_task(second.join())
            await asyncio.sleep(0.5)
            first.leave()
            await joining
            log.delay = 0.0
            world.post()
            await asyncio.sleep(5)
            assert second.offsets == upto(11, first=3)

    run(join())


def test_a_room_without_members_stops_asking_a_log_that_is_away() -> None:
    async def give_up() -> None:
        log = FakeLog(5)
        async with World(log, linger=1.0) as world:
            person = await world.join()
            log.available = False
            world.hub.check()
            person.leave()
            await asyncio.sleep(3)
            asked = len(log.requests)
            await asyncio.sleep(60)
            assert len(log.requests) == asked

    run(give_up())


async def test_a_signal_reaches_everybody_but_its_origin() -> None:
    async with World(FakeLog()) as world:
        people = [await world.join() for _ in range(3)]
        await world.hub.signal(ROOM, "typing", people[0].id, b'{"name":"typing"}')
        await turn()
        assert [person.writes for person in people] == [[], *[[b'~{"name":"typing"} ']] * 2]


async def test_a_signal_is_shed_for_a_slow_reader() -> None:
    async with World(FakeLog()) as world:
        slow = await world.join(room=1)
        world.post()
        await turn()
        await world.hub.signal(ROOM, "typing", "other", b"{}")
        await turn()
        slow.read()
        assert slow.writes == [b"1 "]


async def test_a_reader_that_a_signal_pauses_misses_no_event_of_that_turn() -> None:
    async with World(FakeLog()) as world:
        slow = await world.join(room=1)
        world.post()
        world.nats.signal(b"{}")
        await turn()
        slow.read()
        await turn()
        assert slow.offsets == [1]


async def test_a_signal_cannot_be_sent_while_nats_is_away() -> None:
    async with World(FakeLog()) as world:
        world.nats.away = True
        with pytest.raises(StreamError):
            await world.hub.signal(ROOM, "typing", "c1", b"{}")


async def test_signals_go_out_under_the_subject_of_their_room_and_name() -> None:
    async with World(FakeLog()) as world:
        heard: list[str] = []
        await world.nats.listen(subjects.signals(APP, ROOM), lambda subject, _: heard.append(subject))
        await world.hub.signal(ROOM, "moved", "c1", b"{}")
        await turn()
        assert heard == [subjects.signal(APP, ROOM, "moved")]
