"""What no description allows for, such as bytes that are no text: the client's mistake, and said as one."""

import asyncio
import json
import uuid
from typing import Any

import httpx
import pytest
from processes import SECRET, Cluster, token

import parley
from chassis.auth import sign

HEADERS = {"Authorization": f"Bearer {sign(SECRET, 'u1', rooms={'*': 'm'})}"}
ID = uuid.UUID(int=1)
ROUTES = [
    ("POST", "/v1/rooms/a/comments"),
    ("PATCH", f"/v1/comments/{ID}"),
    ("PUT", "/v1/rooms/a"),
    ("POST", "/v1/rooms/a/members"),
    ("POST", "/api/comments"),
    ("PATCH", f"/api/comments/{ID}"),
]
FRAMEWORK = (*ROUTES[0], {"Origin": "https://app.example"})
"""The first route once more, past its shortcut."""
FIELDS = ("body", "clientId", "imageMeta", "videoMeta", "attributes", "user", "name", "avatar", "challengeId")
VALUES = [
    '"\\ud800"',
    '{"\\ud800": 1}',
    '{"a": "\\udfff"}',
    '{"\\ud800": {"\\u0000": "\\u0000"}}',
    '"\\u0000"',
    "NaN",
    '{"a": -Infinity}',
    '{"a": 1e999}',
    "9" * 4301,
    '{"a": ' + "9" * 4301 + "}",
    '{"a": ' + "9" * 4299 + "}",
    "1e-9999",
    "-0",
    "[" * 100_000,
    '{"a":' * 10_000 + "1" + "}" * 10_000,
    '{"a":' + "[" * 500 + "]" * 500 + "}",
    '{"' + "k" * 100_000 + '": 1}',
    "{" + ",".join(f'"k{number}": {number}' for number in range(5000)) + "}",
    "true",
    '""',
    "{}",
]
BODIES = [
    b"",
    b"\x00",
    b"\xff\xfe{\x00}\x00",
    b"\xef\xbb\xbf{}",
    b"null",
    b"[]",
    b'"text"',
    b"{" * 100_000,
    b'{"body": "\xed\xa0\x80"}',
    b'{"body": "\xff"}',
    b'{"body": "a", "body": "b"' + b" " * 1000,
    b"--x\r\nContent-Disposition: form-data; name=body\r\n\r\nhi",
    b"body=%ff%00&challengeId=%ff&cohortId=1&" + b"a=1&" * 1000,
]
KINDS = [
    "application/json",
    "application/json; charset=utf-16",
    "application/json; charset=\x80",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=" + "x" * 5000,
    "multipart/form-data; boundary=x",
    "text/plain",
    "*/*;;;=",
    "",
]


async def refused(http: httpx.AsyncClient, method: str, path: str, **request: Any) -> None:
    """It may be taken; if it is not, the answer is a problem of the client's."""
    answer = await http.request(method, path, **request)
    assert answer.status_code < 500, (request, answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


def client(services: Cluster) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=services.comments[0].url, headers=HEADERS)


@pytest.mark.parametrize(("method", "path", "origin"), [*((*route, {}) for route in ROUTES), FRAMEWORK])
async def test_a_field_of_any_value_is_taken_or_named(
    services: Cluster, method: str, path: str, origin: dict[str, str]
) -> None:
    headers = {"content-type": "application/json", **origin}
    async with client(services) as http:
        for field in FIELDS:
            for value in VALUES:
                others = {"body": "x", "attributes": {}, "challengeId": 1, "cohortId": 1}
                rest = json.dumps({name: given for name, given in others.items() if name != field})
                content = f'{{"{field}": {value}, {rest[1:]}'.encode()
                await refused(http, method, path, content=content, headers=headers)


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_a_body_of_any_bytes_and_kind_is_taken_or_refused(
    services: Cluster, method: str, path: str
) -> None:
    async with client(services) as http:
        for kind in KINDS:
            for body in BODIES:
                headers = {"content-type": kind.encode("latin-1")}
                await refused(http, method, path, content=body, headers=headers)


async def test_whatever_is_taken_can_be_read_again(services: Cluster) -> None:
    room = f"taken-{uuid.uuid4().hex}"
    path = f"/v1/rooms/{room}/comments"
    taken = []
    async with client(services) as http:
        for number, value in enumerate(VALUES):
            content = f'{{"body": "{number}", "imageMeta": {value}}}'.encode()
            answer = await http.post(path, content=content, headers={"content-type": "application/json"})
            if answer.status_code == 201:
                taken.append(answer.json()["id"])
        page = (await http.get(path)).json()
        assert [comment["id"] for comment in page["comments"]] == taken
    assert 0 < len(taken) < len(VALUES)
    async with (
        asyncio.timeout(30),
        parley.Client(services.fanouts[0].url, token()) as reader,
        reader.subscribe(room, since=parley.Cursor(page["epoch"], 0)) as seen,
    ):
        events = [await anext(seen) for _ in taken]
    assert [event.data["comment"] for event in events if isinstance(event, parley.Event)] == taken
