"""Who was notified of a comment and why: told as it was written down, to whom it concerns."""

import uuid
from typing import Any
from uuid import UUID

import httpx
import pytest
from contract.callers import caller, fields, problem
from pushworld import ROOM, World

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OWN = caller("bob", room=ROOM, rights="r")
MODERATOR = caller("mod", room=ROOM, rights="m")


@pytest.fixture
async def comment(world: World) -> UUID:
    """By ada, and decided, in a room with bob and eve; its offset is 1."""
    await world.room()
    await world.member("ada", "bob", "eve")
    id_, offset = await world.comment(due=False, trace=TRACE)
    assert offset == 1
    return id_


async def push(world: World, comment: UUID, user: str = "bob", device: str = "d1", **columns: Any) -> None:
    row = {"kind": "comment", "platform": "apns", "state": "sent", "reason": "push", **columns}
    given = "".join(f", {name}" for name in row)
    values = "".join(f", ${number}" for number in range(6, 6 + len(row)))
    await world.pool.execute(
        'insert into notifier.pushes (app, room, "offset", event, comment, "user", device, not_before, '
        f"expires_at{given}) values ('test', $1, 1, $2, $3, $4, $5, now(), now(){values})",
        ROOM, uuid.uuid4(), comment, user, device, *row.values(),
    )  # fmt: skip


async def decide(world: World, user: str, reason: str, first: int = 1, last: int = 1) -> None:
    await world.pool.execute(
        'insert into notifier.decisions (app, room, "user", first, last, reason) '
        "values ($1, $2, $3, $4, $5, $6)",
        world.app, ROOM, user, first, last, reason,
    )  # fmt: skip


async def asked(api: httpx.AsyncClient, comment: UUID, query: str = "", **headers: str) -> dict[str, Any]:
    answer = await api.get(f"/v1/comments/{comment}/notifications{query}", headers=headers or MODERATOR)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def of(api: httpx.AsyncClient, comment: UUID, user: str) -> dict[str, Any]:
    [person] = (await asked(api, comment, f"?user={user}"))["people"]
    assert person["user"] == user
    found: dict[str, Any] = person
    return found


async def test_a_push_is_told_with_what_the_provider_said(
    api: httpx.AsyncClient, world: World, comment: UUID
) -> None:
    await push(world, comment, answer="eabeae54", attempts=2, trace=TRACE)
    found = await asked(api, comment, **OWN)
    assert (found["comment"], found["room"], found["offset"], found["next"]) == (str(comment), ROOM, 1, None)
    [bob] = found["people"]
    [device] = bob["devices"]
    assert (bob["user"], bob["reason"], bob["trace"]) == ("bob", "push", TRACE)
    assert bob["at"] == device["at"]
    assert {name: device[name] for name in device if name not in ("at", "notBefore")} == {
        "device": "d1", "platform": "apns", "kind": "comment", "state": "sent", "reason": "push",
        "answer": "eabeae54", "attempts": 2, "trace": TRACE,
    }  # fmt: skip


async def test_what_took_it_back_is_told_beside_it(
    api: httpx.AsyncClient, world: World, comment: UUID
) -> None:
    await push(world, comment, kind="read", reason="read_elsewhere")
    await push(world, comment)
    bob = await of(api, comment, "bob")
    assert bob["reason"] == "push"
    assert [(each["kind"], each["reason"]) for each in bob["devices"]] == [
        ("comment", "push"), ("read", "read_elsewhere")
    ]  # fmt: skip


async def test_of_several_devices_the_one_that_got_it_says_why(
    api: httpx.AsyncClient, world: World, comment: UUID
) -> None:
    await push(world, comment, device="d1", state="cancelled", reason="read")
    assert (await of(api, comment, "bob"))["reason"] == "read"
    await push(world, comment, device="d2", state="waiting", reason="quiet_hours")
    assert (await of(api, comment, "bob"))["reason"] == "quiet_hours"
    await push(world, comment, device="d3")
    assert (await of(api, comment, "bob"))["reason"] == "push"


async def test_a_decision_holds_for_all_comments_of_its_range(
    api: httpx.AsyncClient, world: World, comment: UUID
) -> None:
    second, _ = await world.comment(due=False)
    third, _ = await world.comment(due=False)
    await world.device("bob")
    await decide(world, "bob", "room_muted", 1, 2)
    await decide(world, "bob", "here", 3, 9)
    assert [(await of(api, each, "bob"))["reason"] for each in (comment, second, third)] == [
        "room_muted", "room_muted", "here"
    ]  # fmt: skip
    [device] = (await of(api, third, "bob"))["devices"]
    assert (device["device"], device["state"], device["reason"]) == ("d-bob", "none", "here")
    assert (device["attempts"], device["at"], device["notBefore"]) == (0, None, None)


async def test_a_device_without_a_push_beside_one_with(
    api: httpx.AsyncClient, world: World, comment: UUID
) -> None:
    await world.device("bob", "d1", "apns")
    await world.device("bob", "d2", "fcm")
    await world.device("bob", "d3", "apns")
    await push(world, comment)
    found = {
        each["device"]: (each["state"], each["reason"]) for each in (await of(api, comment, "bob"))["devices"]
    }
    assert found == {"d1": ("sent", "push"), "d2": ("none", "platform_off"), "d3": ("none", "unknown")}


async def test_for_whom_nothing_is_written_down_it_is_said_why(
    api: httpx.AsyncClient, world: World, comment: UUID
) -> None:
    async def reasons(comment: UUID) -> list[str]:
        return [(await of(api, comment, user))["reason"] for user in ("ada", "bob", "eve", "ida", "nobody")]

    await world.member("ida")
    await world.pool.execute("update notifier.members set since = 2 where \"user\" = 'ida'")
    for user in ("ada", "eve", "ida", "nobody"):
        await world.device(user)
    assert await reasons(comment) == ["author", "no_device", "unknown", "not_a_member", "not_a_member"]
    await world.pool.execute("update notifier.comments set deleted = true")
    assert await reasons(comment) == ["author", "no_device", "deleted", "not_a_member", "not_a_member"]
    waiting, _ = await world.comment()
    assert await reasons(waiting) == ["author", "no_device", "waiting", "waiting", "not_a_member"]
    assert (await of(api, waiting, "eve"))["at"] is not None
    for user in ("ada", "nobody"):
        assert (await of(api, comment, user))["devices"] == []


async def test_a_reason_of_a_later_version_is_unknown(
    api: httpx.AsyncClient, world: World, comment: UUID
) -> None:
    await decide(world, "bob", "the moon")
    assert (await of(api, comment, "bob"))["reason"] == "unknown"


async def test_a_moderator_sees_everybody_page_by_page(
    api: httpx.AsyncClient, world: World, comment: UUID
) -> None:
    await push(world, comment, "left & gone", "d9", reason="push")
    first = await asked(api, comment, "?limit=3")
    assert [each["user"] for each in first["people"]] == ["ada", "bob", "eve"]
    path = f"/v1/comments/{comment}/notifications"
    assert first["next"] == f"{path}?limit=3&after=eve"
    answer = await api.get(first["next"], headers=MODERATOR)
    assert [each["user"] for each in answer.json()["people"]] == ["left & gone"]
    assert (answer.json()["next"], "link" in answer.headers) == (None, False)
    linked = (await api.get(f"{path}?limit=3", headers=MODERATOR)).headers["link"]
    assert linked == f'<{first["next"]}>; rel="next"'
    full = await asked(api, comment, "?limit=4")
    assert (len(full["people"]), full["next"]) == (4, None)


async def test_next_survives_any_user_id(api: httpx.AsyncClient, world: World, comment: UUID) -> None:
    odd = ["a&b=c", "a b", "a>;\"'", "é%00", "üñ", "ア"]
    await world.member(*odd)
    seen, path = [], f"/v1/comments/{comment}/notifications?limit=1"
    while path:
        answer = await api.get(path, headers=MODERATOR)
        seen += [each["user"] for each in answer.json()["people"]]
        path = answer.json()["next"]
        assert answer.headers.get("link", "").isascii()
    assert sorted(seen) == sorted([*odd, "ada", "bob", "eve"])


async def test_others_see_themselves_only(api: httpx.AsyncClient, world: World, comment: UUID) -> None:
    await push(world, comment, "eve", "d9")
    assert [each["user"] for each in (await asked(api, comment, **OWN))["people"]] == ["bob"]
    assert [each["user"] for each in (await asked(api, comment, "?user=bob", **OWN))["people"]] == ["bob"]
    refused = await api.get(f"/v1/comments/{comment}/notifications?user=eve", headers=OWN)
    assert problem(refused, 403)["code"] == "forbidden"


async def test_a_comment_that_may_not_be_read_is_as_one_that_is_not(
    api: httpx.AsyncClient, world: World, comment: UUID
) -> None:
    other = caller("bob", room="elsewhere", rights="m")
    hidden = await api.get(f"/v1/comments/{comment}/notifications", headers=other)
    missing = await api.get(f"/v1/comments/{uuid.uuid4()}/notifications", headers=MODERATOR)
    told = [problem(each, 404) for each in (hidden, missing)]
    assert {each["code"] for each in told} == {"unknown_comment"}
    detail = [each["detail"].split()[3:] for each in told]
    assert detail == [["that", "bob", "may", "read"], ["that", "mod", "may", "read"]]
    another = await api.get(f"/v1/comments/{comment}/notifications?user=%00", headers=other)
    assert another.status_code == 422


async def test_another_app_has_its_own(api: httpx.AsyncClient, world: World, comment: UUID) -> None:
    await world.pool.execute("update notifier.comments set app = 'other'")
    problem(await api.get(f"/v1/comments/{comment}/notifications", headers=MODERATOR), 404)


async def test_a_bad_field_is_named(api: httpx.AsyncClient, comment: UUID) -> None:
    path = f"/v1/comments/{comment}/notifications"
    for query, field in {
        "limit=0": "limit",
        "limit=101": "limit",
        "limit=x": "limit",
        "user=": "user",
        "user=" + "x" * 129: "user",
        "user=a%0Ab": "user",
        "after=%00": "after",
    }.items():
        assert fields(await api.get(f"{path}?{query}", headers=MODERATOR)) == [field]
    assert fields(await api.get("/v1/comments/'%20or%201=1/notifications")) == ["comment"]
