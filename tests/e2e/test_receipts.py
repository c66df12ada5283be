"""What was delivered and read, and what is unread, through two processes of each service."""

import uuid
from collections.abc import Callable
from typing import Any

import httpx
from people import PATIENCE, Frame, Guest, call, guest, join, post, until
from processes import Cluster, token


def room() -> str:
    return f"room-{uuid.uuid4().hex[:12]}"


def moved(user: str, *, delivered: int = 0, read: int = 0) -> Callable[[Frame], bool]:
    """A push says that the user is as far."""

    def wanted(frame: Frame) -> bool:
        return frame["type"] == "receipts" and any(
            each["user"] == user and each["delivered"] >= delivered and each["read"] >= read
            for each in frame.get("receipts", ())
        )

    return wanted


async def status(system: Cluster, comment: str) -> str:
    answer = await call(system.comments[0], "ann", "GET", f"/v1/comments/{comment}")
    return str(answer["status"])


async def test_a_comment_is_sent_then_delivered_then_read(services: Cluster) -> None:
    lobby = room()
    await join(services.comments[0], lobby, "ann", "bob", "carl")
    async with guest(services.fanouts[0], "ann", lobby) as ann:
        comment = await post(services.comments[1], "ann", lobby, "hello")
        assert (comment["status"], comment["deliveredAt"], comment["readAt"]) == ("SENT", None, None)
        offset = comment["offset"]
        async with guest(services.fanouts[1], "bob", lobby) as bob:
            assert await bob.ask("delivered", room=lobby, offset=offset) == {"type": "ok"}
            await ann.hears(moved("bob", delivered=offset))
            assert await status(services, comment["id"]) == "SENT"
            async with guest(services.fanouts[0], "carl", lobby) as carl:
                await carl.ask("delivered", room=lobby, offset=offset)
                await ann.hears(moved("carl", delivered=offset))
                assert await status(services, comment["id"]) == "DELIVERED"
                await carl.ask("read", room=lobby, offset=offset)
                await bob.ask("read", room=lobby, offset=offset)
                await ann.hears(moved("bob", read=offset))
                await until(lambda: _is(services, comment["id"], "READ"))
    listed = await call(services.comments[1], "ann", "GET", f"/v1/comments/{comment['id']}/receipts")
    assert (listed["members"], listed["delivered"], listed["read"]) == (2, 2, 2)
    assert [each["user"] for each in listed["receipts"]] == ["bob", "carl"]
    for each in listed["receipts"]:
        assert comment["createdAt"] <= each["deliveredAt"] <= each["readAt"]


async def test_what_was_read_before_somebody_was_a_member_counts_once_they_repeat_it(
    services: Cluster,
) -> None:
    lobby = room()
    await join(services.comments[0], lobby, "ann")
    comment = await post(services.comments[0], "ann", lobby, "hello")
    read = {"room": lobby, "offset": comment["offset"]}
    async with (
        guest(services.fanouts[0], "bob", lobby) as bob,
        guest(services.fanouts[0], "ann", lobby) as ann,
    ):
        await bob.ask("read", **read)
        await ann.ask("read", **read)
        await bob.hears(moved("ann", read=comment["offset"]))
        assert await status(services, comment["id"]) == "SENT"
        await post(services.comments[1], "bob", lobby, "hi")

        async def counts() -> bool:
            await bob.ask("read", **read)
            return await status(services, comment["id"]) == "READ"

        await until(counts)


async def _is(system: Cluster, comment: str, wanted: str) -> bool:
    return await status(system, comment) == wanted


async def test_watermarks_come_with_the_subscription_and_never_go_back(services: Cluster) -> None:
    lobby = room()
    await join(services.comments[0], lobby, "ann", "bob")
    last = [await post(services.comments[0], "ann", lobby, str(number)) for number in range(3)][-1]["offset"]
    async with guest(services.fanouts[0], "bob", lobby) as bob:
        await bob.ask("read", room=lobby, offset=last)
        await bob.hears(moved("bob", read=last))
        await bob.ask("read", room=lobby, offset=1)
        await bob.ask("delivered", room=lobby, offset=2**40)
    async with guest(services.fanouts[1], "ann", lobby) as ann:
        told = {each["user"]: each for each in ann.welcome["receipts"]["receipts"]}
        assert told["bob"] == {"user": "bob", "delivered": last, "read": last}
        assert (ann.welcome["receipts"]["members"], ann.welcome["receipts"]["counts"]) == (2, None)


async def unread(system: Cluster, user: str, lobby: str) -> dict[str, Any]:
    answer = await call(system.comments[1], user, "GET", "/v1/unread")
    [found] = [each for each in answer["rooms"] if each["room"] == lobby]
    return dict(found)


def counts(lobby: str, number: int) -> Callable[[Frame], bool]:
    def wanted(frame: Frame) -> bool:
        return frame["type"] == "unread" and any(
            each["room"] == lobby and each["unread"] == number for each in frame["rooms"]
        )

    return wanted


async def watch(one: Guest) -> dict[str, Any]:
    """The first answer, of this room."""
    answer = await one.ask("unread")
    assert answer["type"] == "unread"
    [found] = [each for each in answer["rooms"] if each["room"] == one.room]
    return dict(found)


async def test_reading_on_one_device_clears_the_count_on_the_other(services: Cluster) -> None:
    lobby = room()
    await join(services.comments[0], lobby, "ann", "bob")
    async with (
        guest(services.fanouts[0], "bob", lobby) as phone,
        guest(services.fanouts[1], "bob", lobby) as laptop,
    ):
        assert [(await watch(device))["unread"] for device in (phone, laptop)] == [0, 0]
        await post(services.comments[0], "ann", lobby, "one")
        comment = await post(services.comments[1], "ann", lobby, "two, @bob")
        for device in (phone, laptop):
            told = await device.hears(counts(lobby, 2))
            assert set(told["rooms"][0]) == {"room", "head", "read", "unread", "mentioned"}
        assert (await unread(services, "bob", lobby))["mentioned"] is True
        await phone.ask("read", room=lobby, offset=comment["offset"])
        told = await laptop.hears(counts(lobby, 0))
        assert told["rooms"][0]["mentioned"] is False
    assert (await unread(services, "bob", lobby))["unread"] == 0


async def test_unread_counts_what_others_wrote_and_still_exists(services: Cluster) -> None:
    lobby = room()
    await join(services.comments[0], lobby, "ann", "bob")
    first = await post(services.comments[0], "ann", lobby, "one")
    await post(services.comments[0], "bob", lobby, "my own")
    await post(services.comments[0], "ann", lobby, "three")
    await join(services.comments[0], lobby, "carl")
    await call(services.comments[0], "ann", "PATCH", f"/v1/comments/{first['id']}", json={"body": "uno"})
    assert (await unread(services, "bob", lobby))["unread"] == 2
    await call(services.comments[0], "ann", "DELETE", f"/v1/comments/{first['id']}")
    assert (await unread(services, "bob", lobby))["unread"] == 1
    assert (await unread(services, "carl", lobby))["unread"] == 0


async def test_who_types_is_seen_through_the_other_process_at_most_once_a_second(services: Cluster) -> None:
    lobby = room()
    async with (
        guest(services.fanouts[0], "ann", lobby) as ann,
        guest(services.fanouts[1], "bob", lobby) as bob,
    ):
        for _ in range(5):
            assert await ann.ask("typing", room=lobby) == {"type": "ok"}
        await ann.ask("signal", room=lobby, name="done", data=None)
        await bob.hears(lambda frame: frame.get("name") == "done")
        typed = [frame for frame in bob.told if frame.get("name") == "typing"]
        assert [(frame["user"], frame["data"]) for frame in typed] == [("ann", {"name": "Name of ann"})]


async def test_receipts_of_somebody_who_may_not_read_the_room_are_refused(services: Cluster) -> None:
    lobby = room()
    await join(services.comments[0], lobby, "ann")
    comment = await post(services.comments[0], "ann", lobby, "hello")
    async with httpx.AsyncClient(base_url=services.comments[0].url, timeout=PATIENCE) as http:
        stranger = {"Authorization": f"Bearer {token('eve', another='r')}"}
        answer = await http.get(f"/v1/comments/{comment['id']}/receipts", headers=stranger)
    assert answer.status_code == 403
