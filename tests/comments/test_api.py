"""The HTTP API over a real port, on real Postgres and NATS."""

import asyncio
import uuid
from typing import Any

import httpx
import pytest
from contract.callers import caller, fields, post, problem
from contract.recording import Heard

from events import CommentPosted, Record, decode
from events.jetstream import Nats

ROOM = "/v1/rooms/lobby/comments"
NOBODY = f"/v1/comments/{uuid.UUID(int=7)}"


async def test_a_comment_is_posted_and_heard(api: httpx.AsyncClient, nats: Nats, app: str) -> None:
    heard = Heard[Record]()
    await nats.follow(app, "lobby", heard)
    await nats.ping()
    meta = {"url": "https://example.org/a.png", "size": [10**30, 0.1], "text": "\\u0000"}
    answer = await api.post(ROOM, json={"body": "Grüße 👋", "clientId": "k1", "imageMeta": meta})
    comment = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/comments/{comment['id']}"
    assert comment == {
        "id": comment["id"],
        "room": "lobby",
        "offset": 1,
        "author": "u1",
        "authorName": "User One",
        "authorAvatar": None,
        "body": "Grüße 👋",
        "imageMeta": meta,
        "videoMeta": None,
        "mentions": [],
        "clientId": "k1",
        "createdAt": comment["createdAt"],
        "updatedAt": None,
        "deletedAt": None,
        "status": "SENT",
        "deliveredAt": None,
        "readAt": None,
    }
    [record] = await heard.until(1)
    event = decode(record.data)
    assert isinstance(event, CommentPosted)
    assert (str(event.comment), event.body, event.image_meta) == (comment["id"], "Grüße 👋", meta)
    assert (await api.get(f"/v1/comments/{comment['id']}")).json() == comment


ELSEWHERE = {"Origin": "https://app.example"}
"""A request from there goes through the framework, others past it."""
URGENT: dict[str, tuple[dict[str, str], dict[str, bool], bool]] = {
    "urgent": ({}, {"urgent": True}, True),
    "urgent from elsewhere": (ELSEWHERE, {"urgent": True}, True),
    "not urgent": ({}, {"urgent": False}, False),
    "not said": ({}, {}, False),
}


@pytest.mark.parametrize(("headers", "said", "urgent"), URGENT.values(), ids=URGENT)
async def test_what_a_moderator_says_is_urgent_is(
    api: httpx.AsyncClient, nats: Nats, app: str, headers: dict[str, str], said: dict[str, bool], urgent: bool
) -> None:
    heard = Heard[Record]()
    await nats.follow(app, "lobby", heard)
    await nats.ping()
    api.headers.update(caller(rights="m") | headers)
    await api.post("/v1/rooms/lobby/comments", json={"body": "hello"} | said)
    event = decode((await heard.until(1))[0].data)
    assert isinstance(event, CommentPosted)
    assert event.urgent is urgent


async def test_a_repeated_post_is_answered_with_the_first(api: httpx.AsyncClient) -> None:
    first = await post(api, clientId="k1")
    by_field = await api.post(ROOM, json={"body": "hi", "clientId": "k1"})
    by_header = await api.post(ROOM, json={"body": "hi"}, headers={"Idempotency-Key": "k1"})
    assert [(each.status_code, each.json()) for each in (by_field, by_header)] == [(200, first)] * 2


async def test_posts_with_one_key_at_once_make_one_comment(api: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(api.post(ROOM, json={"body": "hi", "clientId": "k1"}) for _ in range(20))
    )
    assert sorted(each.status_code for each in answers) == [200] * 19 + [201]
    assert len({each.json()["id"] for each in answers}) == 1


async def test_a_body_of_the_most_characters_is_accepted(api: httpx.AsyncClient) -> None:
    comment = await post(api, "👋" * 10_000)
    assert len(comment["body"]) == 10_000


async def test_a_deleted_comment_keeps_its_place_and_nothing_else(api: httpx.AsyncClient) -> None:
    comment = await post(api, imageMeta={"n": 1})
    path = f"/v1/comments/{comment['id']}"
    assert [(await api.delete(path)).status_code for _ in range(2)] == [204, 204]
    gone = (await api.get(path)).json()
    assert (gone["body"], gone["imageMeta"], gone["offset"]) == ("", None, 1)
    assert gone["deletedAt"] is not None
    assert problem(await api.patch(path, json={"body": "x"}), 410)["code"] == "comment_deleted"


async def test_history_has_every_version(api: httpx.AsyncClient) -> None:
    path = f"/v1/comments/{(await post(api, 'one'))['id']}"
    await api.patch(path, json={"body": "two"})
    await api.patch(path, json={"body": "two"})
    await api.delete(path)
    versions = (await api.get(path + "/history")).json()["versions"]
    assert [(each["type"], each["body"]) for each in versions] == [
        ("comment.posted", "one"),
        ("comment.edited", "two"),
        ("comment.deleted", None),
    ]
    others = (await api.get(path + "/history", headers=caller("u2"))).json()["versions"]
    assert [each["body"] for each in others] == [None] * 3


async def pages(api: httpx.AsyncClient, path: str) -> list[list[int]]:
    """The offsets of each page, by the `Link` header, which says the same as `next`."""
    found = []
    following: str | None = path
    while following:
        answer = await api.get(following)
        body = answer.json()
        found.append([each["offset"] for each in body["comments"]])
        assert (body["head"], bool(body["epoch"])) == (7, True)
        following = answer.links.get("next", {}).get("url")
        assert following == body["next"]
    return found


async def test_a_room_is_read_in_pages_both_ways(api: httpx.AsyncClient) -> None:
    for number in range(7):
        await post(api, str(number))
    assert await pages(api, ROOM + "?limit=3") == [[5, 6, 7], [2, 3, 4], [1]]
    assert await pages(api, ROOM + "?limit=3&before=5") == [[2, 3, 4], [1]]
    assert await pages(api, ROOM + "?limit=3&after=0") == [[1, 2, 3], [4, 5, 6], [7]]
    assert await pages(api, ROOM + "?limit=7") == [[1, 2, 3, 4, 5, 6, 7]]
    assert await pages(api, ROOM + "?before=0") == [[]]
    assert await pages(api, ROOM + "?after=7") == [[]]


async def test_rooms_have_attributes(api: httpx.AsyncClient) -> None:
    moderator = caller(rights="rwm")
    before = (await api.get("/v1/rooms/lobby")).json()
    assert (before["head"], before["attributes"]) == (0, {})
    put = await api.put("/v1/rooms/lobby", json={"attributes": {"title": "Hi"}}, headers=moderator)
    assert put.json() == {"id": "lobby", "epoch": before["epoch"], "head": 1, "attributes": {"title": "Hi"}}
    assert (await api.get("/v1/rooms/lobby")).json() == put.json()
    deep: dict[str, Any] = {}
    for _ in range(10):
        deep = {"deeper": deep}
    refused = await api.put("/v1/rooms/lobby", json={"attributes": deep}, headers=moderator)
    assert fields(refused) == ["attributes"]


async def test_a_caller_sees_their_rooms_in_pages(api: httpx.AsyncClient) -> None:
    for number in range(5):
        await post(api, room=f"room-{number}")
    first = (await api.get("/v1/rooms?limit=3")).json()
    assert [room["id"] for room in first["rooms"]] == ["room-0", "room-1", "room-2"]
    second = (await api.get(first["next"])).json()
    assert [room["id"] for room in second["rooms"]] == ["room-3", "room-4"]
    assert second["next"] is None
    assert (await api.get("/v1/rooms", headers=caller("u2"))).json()["rooms"] == []


async def test_members_join_and_leave(api: httpx.AsyncClient) -> None:
    path, moderator = "/v1/rooms/lobby/members", caller("m", rights="m")
    joined = await api.post(path, json={}, headers=caller("u2", "User Two", rights="r"))
    assert (joined.status_code, joined.json()["name"]) == (201, "User Two")
    assert (await api.post(path, json={}, headers=caller("u2"))).status_code == 200
    added = await api.post(path, json={"user": "a/b", "name": "AB"}, headers=moderator)
    assert (added.status_code, added.json()["user"]) == (201, "a/b")
    await post(api)
    first = (await api.get(path + "?limit=2")).json()
    assert [each["user"] for each in first["members"]] == ["a/b", "u1"]
    assert [each["user"] for each in (await api.get(first["next"])).json()["members"]] == ["u2"]
    assert (await api.delete(path + "/u2", headers=caller("u2"))).status_code == 204
    assert (await api.delete(path + "/u2", headers=caller("u2"))).status_code == 204
    assert [each["user"] for each in (await api.get(path)).json()["members"]] == ["a/b", "u1"]


async def test_a_caller_that_hangs_up_disturbs_nobody(api: httpx.AsyncClient) -> None:
    url = httpx.URL(str(api.base_url))
    authorization = caller()["Authorization"]
    for _ in range(5):
        _, writer = await asyncio.open_connection(url.host, url.port)
        head = f"POST {ROOM} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n"
        writer.write(
            f'{head}Content-Type: application/json\r\nContent-Length: 12\r\n\r\n{{"body":"hi"'.encode()
        )
        await writer.drain()
        writer.transport.abort()
    assert (await post(api, "still here"))["body"] == "still here"


async def test_an_edit_keeps_what_it_does_not_name_and_removes_a_meta_of_null(
    api: httpx.AsyncClient,
) -> None:
    comment = await post(api, imageMeta={"n": 1}, videoMeta={"n": 2})
    path = f"/v1/comments/{comment['id']}"
    edited = (await api.patch(path, json={"body": "two", "imageMeta": None})).json()
    assert (edited["body"], edited["imageMeta"], edited["videoMeta"]) == ("two", None, {"n": 2})
    assert problem(await api.patch(path, json={"body": None}), 422)["errors"][0]["field"] == "body"
