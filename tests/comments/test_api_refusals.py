"""What the HTTP API refuses, and how it says so."""

import asyncio
import json
import uuid
from typing import Any

import httpx
import pytest
from contract.callers import caller, fields, post, problem
from contract.own_postgres import OwnPostgres
from contract.recording import PATIENCE
from pydantic import SecretStr

from comments.settings import Settings

ROOM = "/v1/rooms/lobby/comments"
NOBODY = f"/v1/comments/{uuid.UUID(int=7)}"


async def test_a_key_used_for_another_comment_is_a_conflict(api: httpx.AsyncClient) -> None:
    await post(api, clientId="k1")
    answer = await api.post(ROOM, json={"body": "other"}, headers={"Idempotency-Key": "k1"})
    assert problem(answer, 409)["code"] == "idempotency_key_reused"


async def test_a_key_used_for_what_was_not_urgent_is_a_conflict(api: httpx.AsyncClient) -> None:
    api.headers.update(caller(rights="m"))
    await post(api, clientId="k1")
    answer = await api.post(ROOM, json={"body": "hi", "clientId": "k1", "urgent": True})
    assert problem(answer, 409)["code"] == "idempotency_key_reused"


@pytest.mark.parametrize("past", [{}, {"Origin": "https://app.example"}], ids=["shortcut", "framework"])
async def test_what_is_urgent_is_for_those_who_moderate_the_room(
    api: httpx.AsyncClient, past: dict[str, str]
) -> None:
    urgent = {"body": "fire", "urgent": True}
    refused = problem(await api.post(ROOM, json=urgent, headers=caller() | past), 403)
    assert (refused["code"], refused["detail"]) == (
        "forbidden",
        "urgent needs the right to moderate, which u1 has not in lobby",
    )
    elsewhere = caller(room="other", rights="m") | past
    assert problem(await api.post(ROOM, json=urgent, headers=elsewhere), 403)["code"] == "forbidden"
    assert (await api.get(ROOM)).json()["comments"] == []


async def test_two_different_keys_are_refused(api: httpx.AsyncClient) -> None:
    answer = await api.post(ROOM, json={"body": "hi", "clientId": "k1"}, headers={"Idempotency-Key": "k2"})
    assert fields(answer) == ["clientId"]


BAD_FIELDS = [
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
    ({"body": "x", "urgent": "true"}, "urgent"),
    ({"body": "x", "urgent": None}, "urgent"),
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
]


async def test_a_bad_field_is_named(api: httpx.AsyncClient) -> None:
    for content, field in BAD_FIELDS:
        text = content if isinstance(content, str) else json.dumps(content)
        answer = await api.post(ROOM, content=text, headers={"Content-Type": "application/json"})
        assert fields(answer) == [field], text[:80]


NOT_JSON = [
    b'{"body":"\xff"}',
    b"\xff\xfe{",
    b"{",
    b"[" * 4000,
    b'{"body":"x","imageMeta":' + b'{"x":' * 4000,
    b'{"body":"x","imageMeta":{"n":' + b"9" * 5000 + b"}}",
    b'{"body":"x","imageMeta":{"\\ud800":1}}',
]


async def test_what_is_not_json_is_refused(api: httpx.AsyncClient) -> None:
    for content in NOT_JSON:
        answer = await api.post(ROOM, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), content[:80]
        assert problem(answer, answer.status_code)


BAD_PARAMETERS = [
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
]


async def test_a_bad_parameter_is_named(api: httpx.AsyncClient) -> None:
    for path, field in BAD_PARAMETERS:
        assert fields(await api.get(path)) == [field], path


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


async def test_what_is_wrong_with_a_body_is_said_in_plain_words(api: httpx.AsyncClient) -> None:
    said = [
        problem(await api.post(ROOM, json={"body": body}), 422)["errors"][0]["message"]
        for body in ("", "a\0", 5)
    ]
    assert said == [
        "String should have at least 1 character",
        "must not contain the character NUL",
        "Input should be a valid string",
    ]
