"""Who is not here gets a push, and who is here none: through processes of all services."""

import re
from datetime import UTC, datetime, timedelta

from people import guest, until
from town import Json, Town, sent_to, shown


async def test_who_is_not_here_gets_a_push_and_who_wrote_it_none(town: Town) -> None:
    bobs, anns = await town.browser(town.bob), await town.browser(town.ann)
    comment = await town.posts(town.ann, "hello " * 20)
    payload = await shown(bobs)
    assert payload["title"] == "New message"
    assert payload["body"] == f"Name of {town.ann}: {('hello ' * 20)[:50].strip()}..."
    assert (payload["room"], payload["comment"]) == (town.room, comment["id"])
    assert (payload["offset"], payload["badge"], payload["more"]) == (comment["offset"], 1, 0)
    person = await town.decided(town.bob, comment)
    assert person["reason"] == "push"
    assert [(each["state"], each["kind"], each["attempts"]) for each in person["devices"]] == [
        ("sent", "comment", 1)
    ]
    assert (await town.decided(town.ann, comment))["reason"] == "author"
    assert sent_to(town, anns) == []


async def test_every_device_of_a_person_gets_the_push(town: Town) -> None:
    both = [await town.browser(town.bob, "home"), await town.browser(town.bob, "work")]
    await town.posts(town.ann, "hello")
    one, other = [await shown(browser) for browser in both]
    assert (one["tag"], one["body"]) == (other["tag"], other["body"])
    assert one["id"] != other["id"]


async def test_the_title_names_the_room(town: Town) -> None:
    bobs = await town.browser(town.bob)
    answer = await town.call(
        town.system.comments[0],
        town.ann,
        "PUT",
        f"/v1/rooms/{town.room}",
        {"attributes": {"title": "Challenge 5"}},
        rights="rwm",
    )
    assert answer.is_success, answer.text
    await town.posts(town.ann, "hello")
    assert (await shown(bobs))["title"] == "New message in Challenge 5"


async def test_who_is_here_and_has_it_gets_none(town: Town) -> None:
    bobs = await town.browser(town.bob)
    async with guest(town.system.fanouts[0], town.bob, town.room) as bob:
        await bob.sees(town.bob)
        comment = await town.posts(town.ann, "hello")
        await bob.ask("delivered", room=town.room, offset=comment["offset"])
        assert (await town.decided(town.bob, comment))["reason"] == "here"
    assert sent_to(town, bobs) == []


async def test_who_is_connected_and_never_says_that_it_was_delivered_gets_one(town: Town) -> None:
    bobs = await town.browser(town.bob)
    async with guest(town.system.fanouts[0], town.bob, town.room) as bob:
        await bob.sees(town.bob)
        await town.posts(town.ann, "hello")
        await shown(bobs, "hello")


async def test_who_is_connected_and_idle_gets_one(town: Town) -> None:
    bobs = await town.browser(town.bob)
    async with guest(town.system.fanouts[0], town.bob, town.room) as bob:
        await bob.ask("activity", activity="idle")
        comment = await town.posts(town.ann, "hello")
        await bob.ask("delivered", room=town.room, offset=comment["offset"])
        await shown(bobs, "hello")


async def test_a_room_is_muted_and_heard_again(town: Town) -> None:
    bobs = await town.browser(town.bob)
    mute = f"/v1/rooms/{town.room}/mute"
    await town.asks(town.bob, "POST", mute, {})
    unheard = await town.posts(town.ann, "one")
    assert (await town.decided(town.bob, unheard))["reason"] == "room_muted"
    await town.asks(town.bob, "POST", mute, {"until": None})
    await town.posts(town.ann, "two")
    await shown(bobs, "two")
    assert sent_to(town, bobs) == ["comment"]


async def test_where_only_mentions_count_nothing_else_is_pushed(town: Town) -> None:
    bobs = await town.browser(town.bob)
    await town.asks(town.bob, "PUT", "/v1/preferences", {"level": "mentions"})
    unheard = await town.posts(town.ann, "hello")
    assert (await town.decided(town.bob, unheard))["reason"] == "not_mentioned"
    await town.posts(town.ann, f"hello @{town.bob}")
    await shown(bobs)
    assert sent_to(town, bobs) == ["comment"]


async def test_in_quiet_hours_a_push_waits_unless_it_is_urgent(town: Town) -> None:
    bobs = await town.browser(town.bob)
    now = datetime.now(UTC)
    hours = {"from": f"{now - timedelta(hours=1):%H:%M}", "to": f"{now + timedelta(hours=1):%H:%M}"}
    await town.asks(town.bob, "PUT", "/v1/preferences", {"quietHours": {**hours, "timeZone": "UTC"}})
    quiet = await town.posts(town.ann, "tea")

    async def deferred() -> list[Json]:
        people = await town.why(town.bob, quiet)
        return [device for person in people for device in person["devices"] if device["notBefore"]]

    [device] = await until(deferred)
    assert (device["state"], device["reason"]) == ("waiting", "quiet_hours")
    assert datetime.fromisoformat(device["notBefore"]) > now + timedelta(minutes=58)
    await town.posts(town.ann, "fire", urgent=True)
    await shown(bobs, "fire")
    assert sent_to(town, bobs) == ["comment"]


async def test_why_is_told_to_people_of_themselves_and_to_moderators_of_everybody(town: Town) -> None:
    await town.browser(town.bob)
    comment = await town.posts(town.ann, "hello")
    await town.decided(town.bob, comment)
    assert [each["user"] for each in await town.why(town.carl, comment)] == [town.carl]
    everybody = await town.why(town.ann, comment, rights="rwm")
    assert [(each["user"], each["reason"]) for each in everybody] == [
        (town.ann, "author"),
        (town.bob, "push"),
        (town.carl, "no_device"),
    ]
    path = f"/v1/comments/{comment['id']}/notifications?user={town.bob}"
    refused = await town.call(town.system.notifiers[0], town.carl, "GET", path)
    assert refused.status_code == 403


async def test_figures_of_all_that_it_does_can_be_read(town: Town) -> None:
    bobs = await town.browser(town.bob)
    await town.posts(town.ann, "hello")
    await shown(bobs)

    async def counted() -> str:
        figures = (await town.call(town.system.notifiers[0], town.ann, "GET", "/metrics")).text
        taken = re.search(r"^parley_notifier_events_total (\d+)", figures, re.MULTILINE)
        return figures if taken and int(taken[1]) > 0 else ""

    figures = await until(counted)
    for figure in ("attempts_total", "decisions_total", "receipts_total", "filled_total", "forgotten_total"):
        assert f"parley_notifier_{figure}" in figures
    for figure in ("intake_age_seconds", "receipts_ahead", "age_seconds", "due", "delay_seconds_bucket"):
        assert f"parley_notifier_{figure}" in figures
