"""What the members of a room are shown of each other, when, and what that costs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from companions import SHED, Companion, Gathering, gathering, serve
from fakelog import APP, ROOM
from virtualtime import run

from events import NoAnswer, subjects
from events.receipts import LISTED

GATHER = 0.1
"""Seconds in which whatever happened has been pushed."""


def told(story: Callable[[Gathering], Awaitable[None]], *people: str, **options: Any) -> None:
    """Tell the story in virtual time; `options` are those of `gathering`."""

    async def tell() -> None:
        async with gathering(*people, **options) as world:
            await story(world)

    run(tell())


def names(frame: Any) -> list[str]:
    return [each["user"] for each in frame["joined"]]


def test_whoever_comes_in_is_shown_who_is_here_and_how_far_they_are() -> None:
    async def story(world: Gathering) -> None:
        view = world.come().view
        assert (view.count, set(view.people or ())) == (2, {"ann", "bob"})
        assert (view.members, view.marks) == (1, {"ann": (1, 1)})

    told(story, "ann", "bob", members=["ann"])


def test_those_who_join_and_leave_in_a_moment_are_told_in_one_frame() -> None:
    async def story(world: Gathering) -> None:
        one, other = world.come(), world.come()
        await world.presence.come("bob")
        await world.presence.come("cid", "ann")
        await world.presence.go("ann")
        await asyncio.sleep(GATHER)
        [frame] = one.taken()
        assert (frame["count"], names(frame), frame["left"]) == (2, ["bob", "cid"], ["ann"])
        assert other.taken() == [frame]
        assert world.companies.figures.diffs == 1

    told(story, "ann")


def test_a_repeat_is_not_told() -> None:
    async def story(world: Gathering) -> None:
        one = world.come()
        await world.presence.come("ann")
        await world.presence.go("bob")
        await asyncio.sleep(GATHER)
        assert one.taken() == []

    told(story, "ann")


def test_who_comes_while_nothing_is_known_is_given_the_state_when_it_is() -> None:
    async def story(world: Gathering) -> None:
        await world.company.ready()
        one = world.come()
        assert (one.view.count, one.view.members) == (None, None)
        await serve(world)
        await asyncio.sleep(5)
        assert (one.view.count, one.view.members) == (1, 0)

    told(story, "ann", serving=False)


def test_nobody_waits_for_a_service_that_did_not_answer_lately(caplog: pytest.LogCaptureFixture) -> None:
    async def story(world: Gathering) -> None:
        begun = asyncio.get_running_loop().time()
        await world.company.ready()
        assert asyncio.get_running_loop().time() == begun
        await asyncio.sleep(20)
        assert len(world.presence.asked) == 0

    told(story, serving=False)
    assert len(caplog.records) == 2


def test_whoever_comes_waits_a_moment_for_a_slow_answer_and_no_longer() -> None:
    async def story(world: Gathering) -> None:
        world.presence.delay = 1.0
        company = world.companies.open("other", set)
        begun = asyncio.get_running_loop().time()
        await company.ready()
        assert asyncio.get_running_loop().time() - begun == pytest.approx(0.3)
        assert company.presence() == b"null"
        assert company.receipts() != b"null"

    told(story)


def test_a_service_that_does_not_answer_is_asked_ever_less_often() -> None:
    async def story(world: Gathering) -> None:
        world.presence.available = False
        world.presence.asked.clear()
        world.companies.check()
        await asyncio.sleep(60)
        assert 14 < len(world.presence.asked) < 24

    told(story)


def test_a_large_room_is_told_its_count_at_most_once_a_second() -> None:
    async def story(world: Gathering) -> None:
        one = world.come()
        assert (one.view.count, one.view.people) == (3, None)
        for number in range(40):
            await world.presence.come(f"u{number}")
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        frames = one.taken()
        assert len(frames) == 5
        assert frames[-1] == {"count": 43, "joined": [], "left": []}

    told(story, "ann", "bob", "cid", listed=2)


def test_in_a_large_room_a_member_is_told_of_those_it_asked_for() -> None:
    async def story(world: Gathering) -> None:
        one, other = world.come("one"), world.come("other")
        await world.ask(one, "ann", "eve")
        assert one.view.asked == {"ann": True, "eve": False}
        await world.presence.come("eve", "dan")
        await world.presence.go("ann")
        await asyncio.sleep(GATHER)
        [frame] = [each for each in one.taken() if each["joined"]]
        assert (names(frame), frame["left"]) == (["eve"], ["ann"])
        assert [names(each) for each in other.taken()] == [[]]
        await world.ask(one, "dan")
        await world.presence.go("eve")
        await asyncio.sleep(GATHER)
        assert all(not each["left"] for each in one.taken())

    told(story, "ann", "bob", "cid", listed=2)


def test_what_is_asked_for_is_not_contradicted_by_what_was_heard_meanwhile() -> None:
    async def story(world: Gathering) -> None:
        one = world.come()
        world.presence.delay = 1.0
        asked = asyncio.create_task(world.ask(one, "ann", "eve"))
        await asyncio.sleep(0.5)
        await world.presence.go("ann")
        await world.presence.come("eve")
        await asked
        assert one.view.asked == {"ann": False, "eve": True}

    told(story, "ann", "bob", "cid", listed=2)


def test_who_was_told_that_somebody_is_away_is_told_when_they_are_back_within_a_moment() -> None:
    async def story(world: Gathering) -> None:
        one, other = world.come("one"), world.come("other")
        await world.ask(one, "ann")
        await world.presence.go("ann")
        await world.ask(other, "ann")
        assert other.view.asked == {"ann": False}
        await world.presence.come("ann")
        await asyncio.sleep(GATHER)
        assert one.view.asked == other.view.asked == {"ann": True}

    told(story, "ann", "bob", "cid", listed=2)


def test_an_answer_that_is_older_than_a_restatement_is_not_shown() -> None:
    async def story(world: Gathering) -> None:
        one = world.come()
        world.presence.delay = 0.5
        world.companies.check()
        await asyncio.sleep(1.1)
        await world.presence.come("bob")
        await world.presence.restate("ann", "bob")
        await asyncio.sleep(3)
        assert [names(frame) for frame in one.taken()] == [["bob"]]

    told(story, "ann")


def test_a_question_that_is_not_answered_fails() -> None:
    async def story(world: Gathering) -> None:
        world.presence.available = False
        with pytest.raises(NoAnswer):
            await world.company.ask(world.come().member, ["ann"])

    told(story)


def test_a_question_that_is_overtaken_by_a_restatement_is_asked_again() -> None:
    async def story(world: Gathering) -> None:
        one = world.come()
        world.presence.delay = 0.5
        asked = asyncio.create_task(world.ask(one, "ann"))
        await asyncio.sleep(0.1)
        await world.presence.restate("bob", "cid", "dan")
        await asked
        assert one.view.asked == {"ann": False}

    told(story, "ann", "bob", "cid", listed=2)


def test_a_room_that_grows_or_shrinks_is_stated_anew() -> None:
    async def story(world: Gathering) -> None:
        one = world.come()
        await world.presence.come("cid")
        await asyncio.sleep(GATHER)
        assert one.taken() == [{"count": 3, "people": None}]
        await world.presence.go("ann", "bob")
        await asyncio.sleep(10)
        assert (one.view.count, set(one.view.people or ())) == (1, {"cid"})

    told(story, "ann", "bob", listed=2)


def test_one_who_comes_and_goes_in_a_room_at_the_limit_makes_nobody_be_sent_lists() -> None:
    async def story(world: Gathering) -> None:
        one = world.come()
        for _ in range(20):
            await world.presence.come("u10")
            await asyncio.sleep(30)
            await world.presence.go("u10")
            await asyncio.sleep(30)
        frames = one.taken()
        assert [frame for frame in frames if "people" in frame] == [{"count": 11, "people": None}]
        assert frames[-1] == {"count": 10, "joined": [], "left": []}

    told(story, *[f"u{number}" for number in range(10)], listed=10)


@pytest.mark.parametrize("how", ["restated", "reconnected"])
def test_what_was_missed_is_told_as_a_difference(how: str) -> None:
    async def story(world: Gathering) -> None:
        one = world.come()
        if how == "reconnected":
            world.nats.go_away()
            await world.presence.restate("bob", "cid")
            world.nats.come_back()
        else:
            await world.presence.restate("bob", "cid")
        await asyncio.sleep(2)
        [frame] = one.taken()
        assert (frame["count"], names(frame), frame["left"]) == (2, ["cid"], ["ann"])

    told(story, "ann", "bob")


def test_followed_people_are_asked_for_after_a_restatement() -> None:
    async def story(world: Gathering) -> None:
        one = world.come()
        await world.ask(one, "ann", "eve")
        await world.presence.restate("eve", "bob", "cid", "dan")
        await asyncio.sleep(2)
        assert one.view.asked == {"ann": False, "eve": True}

    told(story, "ann", "bob", "cid", listed=2)


@pytest.mark.parametrize("reason", ["catches up", "reads slowly"])
def test_who_does_not_keep_up_is_given_nothing_and_later_all(reason: str) -> None:
    async def story(world: Gathering) -> None:
        slow, quick = world.come("slow"), world.come("quick")
        if reason == "catches up":
            world.pause(slow)
        else:
            slow.buffered = SHED + 1
        await world.presence.come("bob")
        await world.receipts.move("ann", delivered=5, read=4)
        await asyncio.sleep(3)
        assert slow.taken() == []
        assert len(quick.taken()) == 2
        slow.buffered = 0
        world.resume(slow)
        await asyncio.sleep(1)
        assert [each.get("people") is not None for each in slow.taken()] == [True, False]
        assert slow.view.marks == {"ann": (5, 4)}
        assert world.companies.figures.stale == 1

    told(story, "ann", members=["ann"])


def test_receipts_are_pushed_at_most_four_times_a_second() -> None:
    async def story(world: Gathering) -> None:
        one = world.come()
        for offset in range(2, 42):
            await world.receipts.move("ann", delivered=offset, read=1)
            await asyncio.sleep(0.05)
        await asyncio.sleep(1)
        frames = one.taken()
        assert len(frames) == 9
        assert frames[-1] == {"receipts": [{"user": "ann", "delivered": 41, "read": 1}]}

    told(story, members=["ann", "bob"])


def test_of_a_large_room_counts_are_pushed() -> None:
    async def story(world: Gathering) -> None:
        one = world.come()
        await world.receipts.move("u0", delivered=5, read=5)
        await asyncio.sleep(1)
        assert [set(frame) for frame in one.taken()] == [{"members", "counts"}]

    told(story, members=[f"u{number}" for number in range(LISTED + 1)])


def test_who_becomes_a_member_by_writing_or_leaves_is_asked_for() -> None:
    async def story(world: Gathering) -> None:
        one = world.come()
        await world.receipts.post("bob")
        await asyncio.sleep(1.5)
        assert one.view.marks == {"ann": (1, 1), "bob": (2, 2)}
        world.receipts.leave("ann")
        world.company.membership_changed()
        await asyncio.sleep(1.5)
        assert one.view.marks == {"bob": (2, 2)}

    told(story, members=["ann"])


def test_a_member_of_whom_nothing_was_heard_is_asked_for_when_they_move() -> None:
    async def story(world: Gathering) -> None:
        one = world.come()
        world.receipts.marks["bob"] = (1, 1)
        await world.receipts.move("bob", delivered=2, read=2)
        await asyncio.sleep(1.5)
        assert one.view.marks == {"ann": (1, 1), "bob": (2, 2)}

    told(story, members=["ann"])


def test_hints_of_members_who_are_known_are_no_reason_to_ask_and_others_once_a_second() -> None:
    async def story(world: Gathering) -> None:
        await asyncio.sleep(10)
        asked = len(world.receipts.asked)
        for _ in range(100):
            await world.receipts.post("ann")
            await asyncio.sleep(0.01)
        assert len(world.receipts.asked) == asked
        for _ in range(300):
            world.company.membership_changed()
            await asyncio.sleep(0.01)
        assert len(world.receipts.asked) - asked == 3

    told(story, members=["ann"])


def test_other_rooms_are_not_heard() -> None:
    async def story(world: Gathering) -> None:
        one = world.come()
        await world.nats.send(subjects.presence(APP, "other", "joined"), b"not read")
        await world.nats.send(subjects.watermarks(APP, "other"), b"not read")
        await asyncio.sleep(1)
        assert one.taken() == []

    told(story)


def test_what_cannot_be_read_is_logged_and_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    async def story(world: Gathering) -> None:
        one = world.come()
        world.presence.here.clear()
        world.receipts.marks["ann"] = (9, 9)
        for subject in (
            subjects.presence(APP, ROOM, "joined"),
            subjects.presence(APP, ROOM, "left"),
            subjects.watermarks(APP, ROOM),
            subjects.changed(APP),
        ):
            await world.nats.send(subject, b"{")
        await asyncio.sleep(3)
        assert (one.view.count, one.view.marks) == (0, {"ann": (9, 9)})

    told(story, "ann", members=["ann"])
    assert len(caplog.records) == 4


def test_a_quiet_room_costs_no_timer() -> None:
    async def story(world: Gathering) -> None:
        world.come()
        await world.presence.come("bob")
        await world.receipts.move("ann", delivered=2, read=2)
        await asyncio.sleep(60)
        loop: Any = asyncio.get_running_loop()
        assert [timer for timer in loop._scheduled if not timer.cancelled()] == []
        assert len(asyncio.all_tasks()) == 1

    told(story, "ann", members=["ann"])


def test_a_company_that_ends_is_not_heard_and_another_may_begin() -> None:
    async def story(world: Gathering) -> None:
        one = world.come()
        before = world.company
        world.company = world.companies.open(ROOM, lambda: world.there)
        before.close()
        before.close()
        assert world.companies.rooms == 1
        await world.company.ready()
        other: Companion = world.come()
        await world.presence.come("bob")
        await asyncio.sleep(GATHER)
        assert len(one.taken()) == len(other.taken()) == 1
        world.company.close()
        assert world.companies.rooms == 0
        await world.presence.come("cid")
        await asyncio.sleep(1)
        assert other.taken() == []

    told(story, "ann")
