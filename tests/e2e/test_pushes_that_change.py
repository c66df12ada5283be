"""Pushes whose comment is read, edited or deleted, and pushes whose process dies."""

import asyncio
from functools import partial

from people import guest, join, until
from town import Town, sent_to, shown


async def test_what_is_read_at_once_is_not_pushed(town: Town) -> None:
    bobs = await town.browser(town.bob)
    async with guest(town.system.fanouts[0], town.bob, town.room) as bob:
        comment = await town.posts(town.ann, "hello")
        await bob.ask("read", room=town.room, offset=comment["offset"])
    assert (await town.decided(town.bob, comment))["reason"] == "read"
    assert sent_to(town, bobs) == []


async def test_what_is_read_elsewhere_later_is_taken_back_without_a_sound(town: Town) -> None:
    bobs = await town.browser(town.bob)
    comment = await town.posts(town.ann, "hello")
    await shown(bobs)
    async with guest(town.system.fanouts[0], town.bob, town.room) as bob:
        await bob.ask("read", room=town.room, offset=comment["offset"])

    async def taken_back() -> bool:
        return not bobs.notifications

    await until(taken_back)
    assert sent_to(town, bobs) == ["comment", "read"]
    assert town.service.arrivals[-1].payload["badge"] == 0
    assert len(bobs.alerts) == 1


async def test_a_comment_that_is_deleted_at_once_is_not_pushed(town: Town) -> None:
    bobs = await town.browser(town.bob)
    comment = await town.posts(town.ann, "hello")
    await town.changes(town.ann, comment, "DELETE")
    assert (await town.decided(town.bob, comment))["reason"] == "deleted"
    assert sent_to(town, bobs) == []


async def test_a_comment_that_is_edited_at_once_is_pushed_as_it_is_now(town: Town) -> None:
    bobs = await town.browser(town.bob)
    comment = await town.posts(town.ann, "helo")
    await town.changes(town.ann, comment, "PATCH", {"body": "hello"})
    assert (await shown(bobs))["body"] == f"Name of {town.ann}: hello"
    assert sent_to(town, bobs) == ["comment"]


async def test_of_many_comments_at_once_one_is_pushed_that_stands_for_all(town: Town) -> None:
    bobs = await town.browser(town.bob)
    comments = [await town.posts(town.ann, f"number {number}") for number in range(3)]
    await shown(bobs, "number 2")
    assert len(bobs.notifications) == 1
    reasons = [(await town.decided(town.bob, comment))["reason"] for comment in comments]
    assert reasons[-1] == "push"
    assert set(reasons[:-1]) <= {"collapsed", "push"}


async def test_a_browser_that_unsubscribed_is_forgotten(town: Town) -> None:
    bobs = await town.browser(town.bob)
    bobs.gone = True
    comment = await town.posts(town.ann, "hello")
    await town.decided(town.bob, comment)
    assert (await town.asks(town.bob, "GET", "/v1/devices"))["devices"] == []


async def test_two_processes_send_each_push_once(town: Town) -> None:
    """To 20 people, of five comments, each of which is pushed before the next is posted."""
    people = [f"person-{number}-{town.ann}" for number in range(20)]
    await join(town.system.comments[0], town.room, *people)
    browsers = [await town.browser(person) for person in people]
    for number in range(5):
        comment = await town.posts(town.ann, f"number {number}")
        await asyncio.gather(*(shown(browser, f"number {number}") for browser in browsers))
        await asyncio.gather(*(town.decided(person, comment) for person in people))
    assert {tuple(sent_to(town, browser)) for browser in browsers} == {("comment",) * 5}
    assert len({each.id for each in town.service.arrivals}) == len(town.service.arrivals) == 100


async def test_what_a_killed_process_owes_is_sent_by_the_other(town: Town) -> None:
    bobs = await town.browser(town.bob)
    for killed in town.system.notifiers:
        comment = await town.posts(town.ann, f"while {killed.port} is away")
        await until(partial(town.why, town.bob, comment))
        killed.kill()
        await shown(bobs, f"while {killed.port} is away")
        killed.start()
        killed.ready()
        assert (await town.decided(town.bob, comment))["reason"] == "push"
    assert len(bobs.alerts) == len(set(bobs.alerts)) == 2
