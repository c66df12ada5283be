"""The HTTP API over a real port, on real Postgres and NATS."""

import asyncio
import json
import uuid
from typing import Any

import httpx
import pytest
from contract.callers import caller
from contract.own_postgres import OwnPostgres
from contract.recording import PATIENCE, Heard
from pydantic import SecretStr

from comments.settings import Settings
from events import CommentPosted, Record, decode
from events.jetstream import Nats

ROOM = "/v1/rooms/lobby/comments"
NOBODY = f"/v1/comments/{uuid.UUID(int=7)}"


async def post(api: httpx.AsyncClient, body: str = "hi", room: str = "lobby", **more: Any) -> dict[str, Any]:
    answer = await api.post(f"/v1/rooms/{room}/comments", json={"body": body, **more})
    assert answer.status_code == 201, answer.text
    comment: dict[str, Any] = answer.json()
    return comment


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem that was answered (RFC 9457)."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["type"] == f"/problems/{found['code']}"
    return found


def fields(answer: httpx.Response) -> list[str]:
    return [each["field"] for each in problem(answer, 422)["errors"]]


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
        "clientId": "k1",
        "createdAt": comment["createdAt"],
        "updatedAt": None,
        "deletedAt": None,
    }
    [record] = await heard.until(1)
    event = decode(record.data)
    assert isinstance(event, CommentPosted)
    assert (str(event.comment), event.body, event.image_meta) == (comment["id"], "Grüße 👋", meta)
    assert (await api.get(f"/v1/comments/{comment['id']}")).json() == comment


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


async def test_a_key_used_for_another_comment_is_a_conflict(api: httpx.AsyncClient) -> None:
    await post(api, clientId="k1")
    answer = await api.post(ROOM, json={"body": "other"}, headers={"Idempotency-Key": "k1"})
    assert problem(answer, 409)["code"] == "idempotency_key_reused"


async def test_two_different_keys_are_refused(api: httpx.AsyncClient) -> None:
    answer = await api.post(ROOM, json={"body": "hi", "clientId": "k1"}, headers={"Idempotency-Key": "k2"})
    assert fields(answer) == ["clientId"]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"body": ""}, "body"),
        ({"body": "x" * 10_001}, "body"),
        ({"body": "a\0b"}, "body"),
        ('{"body":"\\ud800"}', "body"),
        ({"body": 5}, "body"),
        ({"body": None}, "body"),
        ({"body": ["x"]}, "body"),
        ({}, "body"),
        ("[]", "body"),
        ('"x"', "body"),
        ("", "body"),
        ({"body": "x", "clientId": ""}, "clientId"),
        ({"body": "x", "clientId": "a b"}, "clientId"),
        ({"body": "x", "clientId": "k" * 129}, "clientId"),
        ({"body": "x", "clientId": "ü"}, "clientId"),
        ({"body": "x", "imageMeta": []}, "imageMeta"),
        ({"body": "x", "imageMeta": "{}"}, "imageMeta"),
        ({"body": "x", "imageMeta": {"x": "x" * 8192}}, "imageMeta"),
        ({"body": "x", "videoMeta": {"x": "\0"}}, "videoMeta"),
        ({"body": "x", "videoMeta": {"\0": 1}}, "videoMeta"),
        ('{"body":"x","imageMeta":{"x":"\\ud800"}}', "body"),
        ('{"body":"x","imageMeta":{"x":NaN}}', "imageMeta"),
        ('{"body":"x","imageMeta":{"x":1e999}}', "imageMeta"),
        ('{"body":"x","imageMeta":' + '{"x":' * 9 + "1" + "}" * 10, "imageMeta"),
        ('{"body":"x","imageMeta":{"x":' + "[" * 900 + "]" * 900 + "}}", "body"),
    ],
)
async def test_a_bad_field_is_named(api: httpx.AsyncClient, content: Any, field: str) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    answer = await api.post(ROOM, content=text, headers={"Content-Type": "application/json"})
    assert fields(answer) == [field]


@pytest.mark.parametrize(
    "content",
    [
        b'{"body":"\xff"}',
        b"\xff\xfe{",
        b"{",
        b"[" * 4000,
        b'{"body":"x","imageMeta":' + b'{"x":' * 4000,
        b'{"body":"x","imageMeta":{"n":' + b"9" * 5000 + b"}}",
        b'{"body":"x","imageMeta":{"\\ud800":1}}',
    ],
)
async def test_what_is_not_json_is_refused(api: httpx.AsyncClient, content: bytes) -> None:
    answer = await api.post(ROOM, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert problem(answer, answer.status_code)


async def test_a_body_of_the_most_characters_is_accepted(api: httpx.AsyncClient) -> None:
    comment = await post(api, "👋" * 10_000)
    assert len(comment["body"]) == 10_000


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (ROOM + "?limit=0", "limit"),
        (ROOM + "?limit=101", "limit"),
        (ROOM + "?limit=x", "limit"),
        (ROOM + "?before=-1", "before"),
        (ROOM + f"?after={2**63}", "after"),
        (ROOM + "?before=1&after=1", "before"),
        ("/v1/rooms/a%20b/comments", "room"),
        ("/v1/rooms/a*/comments", "room"),
        ("/v1/rooms/%00/comments", "room"),
        (f"/v1/rooms/{'x' * 165}/comments", "room"),
        ("/v1/rooms/a%0A", "room"),
        ("/v1/comments/7", "comment"),
        ("/v1/comments/x/history", "comment"),
        ("/v1/rooms?after=%00", "after"),
        ("/v1/rooms/lobby/members?after=%00", "after"),
    ],
)
async def test_a_bad_parameter_is_named(api: httpx.AsyncClient, path: str, field: str) -> None:
    assert fields(await api.get(path)) == [field]


async def test_a_member_that_nobody_can_be_is_refused(api: httpx.AsyncClient) -> None:
    moderator = caller(rights="rwm")
    path = "/v1/rooms/lobby/members"
    assert fields(await api.delete(path + "/%00", headers=moderator)) == ["user"]
    for bad in ({"user": ""}, {"user": "\0"}, {"user": "x" * 129}):
        assert fields(await api.post(path, json=bad, headers=moderator)) == ["user"]
    bad_avatar = {"user": "u2", "avatar": "javascript:alert(1)"}
    assert fields(await api.post(path, json=bad_avatar, headers=moderator)) == ["avatar"]


async def test_without_a_token_nobody_is_heard(api: httpx.AsyncClient) -> None:
    del api.headers["authorization"]
    for method, path in [("GET", ROOM), ("POST", ROOM), ("DELETE", NOBODY), ("GET", "/v1/rooms")]:
        answer = await api.request(method, path)
        assert problem(answer, 401)["code"] == "token_missing"
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_expired_token_is_told_so(api: httpx.AsyncClient) -> None:
    answer = await api.get(ROOM, headers=caller(ttl=-60))
    assert problem(answer, 401)["code"] == "token_expired"


async def test_rights_hold_for_their_room_only(api: httpx.AsyncClient) -> None:
    reader, elsewhere = caller("u2", rights="r"), caller("u2", room="other", rights="rwm")
    comment = await post(api)
    path = f"/v1/comments/{comment['id']}"
    refused = [
        await api.post(ROOM, json={"body": "x"}, headers=reader),
        await api.patch(path, json={"body": "x"}, headers=reader),
        await api.delete(path, headers=reader),
        await api.put("/v1/rooms/lobby", json={"attributes": {}}, headers=caller("u2")),
        await api.post("/v1/rooms/lobby/members", json={"user": "u3"}, headers=caller("u2")),
        await api.delete("/v1/rooms/lobby/members/u1", headers=caller("u2")),
        *[
            await api.get(path, headers=elsewhere)
            for path in (ROOM, path, f"{path}/history", "/v1/rooms/lobby", "/v1/rooms/lobby/members")
        ],
    ]
    assert {problem(answer, 403)["code"] for answer in refused} == {"forbidden"}


async def test_a_comment_is_its_authors(api: httpx.AsyncClient) -> None:
    path = f"/v1/comments/{(await post(api))['id']}"
    other, moderator = caller("u2"), caller("u3", rights="m")
    assert problem(await api.patch(path, json={"body": "x"}, headers=other), 403)["code"] == "not_the_author"
    assert problem(await api.delete(path, headers=other), 403)["code"] == "not_the_author"
    assert (await api.patch(path, json={"body": "x"}, headers=moderator)).json()["body"] == "x"
    assert (await api.delete(path, headers=moderator)).status_code == 204


async def test_what_is_not_there_is_not_found(api: httpx.AsyncClient) -> None:
    for method in ("GET", "DELETE"):
        assert problem(await api.request(method, NOBODY), 404)["code"] == "unknown_comment"
    assert problem(await api.patch(NOBODY, json={"body": "x"}), 404)["code"] == "unknown_comment"
    assert problem(await api.get(NOBODY + "/history"), 404)["code"] == "unknown_comment"
    assert problem(await api.get("/v1/nothing"), 404)
    assert problem(await api.put(ROOM, json={}), 405)


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


async def test_a_body_that_is_too_large_is_refused(api: httpx.AsyncClient) -> None:
    big = b'{"body":"' + b"x" * 300_000 + b'"}'

    async def chunks() -> Any:
        for start in range(0, len(big), 50_000):
            yield big[start : start + 50_000]

    for content in (big, chunks()):
        answer = await api.post(ROOM, content=content, headers={"Content-Type": "application/json"})
        assert problem(answer, 413)["code"] == "body_too_large"


async def test_who_calls_too_often_is_told_when_to_come_back(settings: Settings, serving: Any) -> None:
    limited = settings.model_copy(update={"rate_limits": "on", "rate_user_burst": 3.0, "rate_user": 0.1})
    async with serving(limited) as api:
        answers = [await api.get(ROOM) for _ in range(4)]
        assert [each.status_code for each in answers[:3]] == [200] * 3
        assert problem(answers[3], 429)["code"] == "too_many_requests"
        assert 1 <= int(answers[3].headers["retry-after"]) <= 10
        assert (await api.get(ROOM, headers=caller("u2"))).status_code == 200


async def test_while_postgres_is_away_callers_come_back_later(
    settings: Settings, serving: Any, own_postgres: OwnPostgres
) -> None:
    own = settings.model_copy(update={"database_url": SecretStr(own_postgres.url)})
    async with serving(own) as api:
        await post(api, clientId="k1")
        await own_postgres.stop()
        for answer in (await api.post(ROOM, json={"body": "x", "clientId": "k2"}), await api.get(ROOM)):
            assert problem(answer, 503)["code"] == "log_unavailable"
            assert answer.headers["retry-after"] == "1"
        assert (await api.get("/readyz")).status_code == 503
        assert (await api.get("/healthz")).status_code == 200
        await own_postgres.start()
        await eventually_posted(api)
        assert (await api.get("/readyz")).status_code == 200


async def eventually_posted(api: httpx.AsyncClient) -> None:
    """Sent again with the same key until it is accepted."""
    async with asyncio.timeout(PATIENCE):
        while (await api.post(ROOM, json={"body": "x", "clientId": "k2"})).status_code == 503:
            await asyncio.sleep(0.05)


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
