"""Bad input of each kind, once, to services as they run: a clear answer, and nothing breaks."""

import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import websockets
from nodes import Client
from processes import Cluster, cluster, token
from servers import OwnNats

ROOM = "/v1/rooms/lobby/comments"
NOBODY = f"/v1/comments/{uuid.uuid4()}"


@pytest.fixture
async def http(services: Cluster) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {token()}"}
    async with httpx.AsyncClient(base_url=services.comments[0].url, headers=headers) as client:
        yield client


async def problem(http: httpx.AsyncClient, method: str, path: str, **request: Any) -> tuple[int, str]:
    """Status and code of the answer."""
    answer = await http.request(method, path, **request)
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["title"]
    return answer.status_code, body["code"]


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("", "token_missing"),
        ("Basic dTpw", "token_missing"),
        ("Bearer nonsense", "token_invalid"),
        (f"Bearer {token()[:-4]}AAAA", "token_invalid"),
        (f"Bearer {token(ttl=-60)}", "token_expired"),
    ],
)
async def test_without_a_valid_token_nothing_is_answered(
    http: httpx.AsyncClient, authorization: str, code: str
) -> None:
    answered = await problem(http, "GET", ROOM, headers={"Authorization": authorization})
    assert answered == (401, code)


async def test_without_the_right_nothing_is_done(http: httpx.AsyncClient) -> None:
    headers = {"Authorization": f"Bearer {token(lobby='r', other='w')}"}
    assert await problem(http, "POST", ROOM, json={"body": "x"}, headers=headers) == (403, "forbidden")
    assert await problem(http, "GET", "/v1/rooms/other/comments", headers=headers) == (403, "forbidden")


@pytest.mark.parametrize(
    ("field", "request_"),
    [
        ("body", {"json": {}}),
        ("body", {"json": {"body": ""}}),
        ("body", {"json": {"body": 5}}),
        ("body", {"json": {"body": "x" * 10_001}}),
        ("body", {"json": {"body": "a\0b"}}),
        ("body", {"content": b'{"body": "\\ud800"}', "headers": {"content-type": "application/json"}}),
        ("clientId", {"json": {"body": "x", "clientId": "a key"}}),
        ("imageMeta", {"json": {"body": "x", "imageMeta": []}}),
        ("videoMeta", {"json": {"body": "x", "videoMeta": {"a": "x" * 9000}}}),
        ("limit", {"method": "GET", "path": f"{ROOM}?limit=101"}),
        ("before", {"method": "GET", "path": f"{ROOM}?before=first"}),
        ("room", {"method": "GET", "path": "/v1/rooms/a%20b/comments"}),
        ("comment", {"method": "GET", "path": "/v1/comments/7"}),
    ],
)
async def test_what_is_not_valid_is_named(
    http: httpx.AsyncClient, field: str, request_: dict[str, Any]
) -> None:
    request = {"method": "POST", "path": ROOM, **request_}
    method, path = request.pop("method"), request.pop("path")
    answer = await http.request(method, path, **request)
    assert answer.status_code == 422
    assert field in json.dumps(answer.json()["errors"])


async def test_what_is_not_there_is_not_found(http: httpx.AsyncClient) -> None:
    assert await problem(http, "GET", NOBODY) == (404, "unknown_comment")
    assert await problem(http, "PATCH", NOBODY, json={"body": "x"}) == (404, "unknown_comment")
    assert (await http.get("/v1/nowhere")).status_code == 404


async def test_a_request_that_is_no_json_or_too_large_is_refused(http: httpx.AsyncClient) -> None:
    kind = {"content-type": "application/json"}
    assert (await problem(http, "POST", ROOM, content=b"{", headers=kind))[0] == 422
    assert (await problem(http, "POST", ROOM, content=b" " * 300_000, headers=kind))[0] == 413


async def test_only_the_author_changes_a_comment(http: httpx.AsyncClient) -> None:
    comment = (await http.post(ROOM, json={"body": "mine"})).json()["id"]
    other = {"Authorization": f"Bearer {token('other')}"}
    path = f"/v1/comments/{comment}"
    answered = await problem(http, "PATCH", path, json={"body": "yours"}, headers=other)
    assert answered == (403, "not_the_author")
    moderator = {"Authorization": f"Bearer {token('moderator', lobby='m')}"}
    assert (await http.delete(path, headers=moderator)).status_code == 204
    assert await problem(http, "PATCH", path, json={"body": "back"}) == (410, "comment_deleted")


async def test_a_key_is_for_one_comment(http: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    assert (await http.post(ROOM, json={"body": "one"}, headers=key)).status_code == 201
    answered = await problem(http, "POST", ROOM, json={"body": "two"}, headers=key)
    assert answered == (409, "idempotency_key_reused")


async def test_one_who_asks_too_often_is_told_when_to_come_back(database_url: str, own_nats: OwnNats) -> None:
    limits = {"PARLEY_RATE_LIMITS": "on", "PARLEY_RATE_USER": "0.01", "PARLEY_RATE_USER_BURST": "2"}
    headers = {"Authorization": f"Bearer {token()}"}
    with cluster(database_url, own_nats.url, limits, fanouts=0) as services:
        async with httpx.AsyncClient(base_url=services.comments[0].url, headers=headers) as http:
            answers = [await http.get(ROOM) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ("no json", 4501),
        (b"binary", 4501),
        ('{"id":1,"type":"connect","token":"nonsense"}', 4500),
        ('{"id":1,"type":"typing","room":"lobby"}', 4502),
        ("x" * 70_000, 1009),
    ],
)
async def test_a_socket_that_begins_badly_is_closed(services: Cluster, first: str | bytes, code: int) -> None:
    async with websockets.connect(services.fanouts[0].socket_url, proxy=None) as socket:
        await socket.send(first)
        assert await Client(socket).closing() == code


async def test_bad_requests_on_a_socket_are_answered_and_it_goes_on(services: Cluster) -> None:
    url = f"{services.fanouts[0].socket_url}?token={token(lobby='r')}"
    async with websockets.connect(url, proxy=None) as socket:
        client = Client(socket)
        assert await client.refusal("shout") == "invalid_request"
        assert await client.refusal("subscribe", room="a room") == "invalid_request"
        assert await client.refusal("subscribe", room="elsewhere") == "forbidden"
        assert await client.refusal("typing", room="lobby") == "forbidden"
        assert await client.refusal("unsubscribe", room="lobby") == "not_subscribed"
        assert (await client.ask("subscribe", room="lobby"))["type"] == "subscribed"
        unknown = {"epoch": "elsewhere", "offset": 3}
        await client.ask("unsubscribe", room="lobby")
        assert (await client.ask("subscribe", room="lobby", since=unknown))["recovered"] is False


async def test_no_token_is_in_any_log(services: Cluster) -> None:
    written = "".join(line for each in services.comments + services.fanouts for line in each.logs)
    assert '"serving"' in written
    assert "eyJ" not in written
    assert "Traceback" not in written
