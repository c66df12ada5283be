"""A shortcut answers as the route behind it does, and leaves to it what it cannot do itself."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.types import Message

from chassis import app as web
from chassis import telemetry
from chassis.auth import Caller, Identity, Verifier, sign
from chassis.problems import Problem
from chassis.service import Service
from chassis.settings import Settings
from chassis.shortcut import Headers, Shortcut, Shortcuts

SECRET = "a secret of these tests, long enough"
TOKEN = sign(SECRET, "u1", rooms={"*": "rw"})


class TooShort(Problem):
    """There is nothing to answer."""

    status, code = 422, "too_short"


async def answer(caller: Identity, name: str, key: str | None, body: bytes, by: str) -> Response:
    if body == b"break":
        raise RuntimeError("hunter2")
    if not body:
        raise TooShort("say something")
    return Response(f"{caller.user} {name} {key} {body.decode()}", headers={"by": by})


router = APIRouter()


@router.post("/things/{name}")
async def post_thing(name: str, request: Request, caller: Caller) -> Response:
    return await answer(caller, name, request.headers.get("key"), await request.body(), "framework")


async def handle(caller: Identity, name: str, headers: Headers, body: bytes) -> Response:
    return await answer(caller, name, headers.get("key"), body, "shortcut")


SHORTCUT = Shortcut("/things/{name}", re.compile("/things/([a-z]+)"), frozenset({"key"}), handle)


@pytest.fixture
async def front() -> AsyncIterator[Shortcuts]:
    settings = Settings.model_validate({"max_body": 2000, "rate_user": 1, "rate_user_burst": 4})
    metrics = telemetry.start("test", {})
    verifier = Verifier(secret=SECRET)
    app = web.create([Service("things", [router])], settings, telemetry=metrics, verifier=verifier)
    yield Shortcuts(app, [SHORTCUT], settings.max_body)
    await verifier.close()
    metrics.close()


@pytest.fixture
async def client(front: Shortcuts) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(front, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://t", headers=headers) as client:
        yield client


async def test_it_answers_with_what_it_was_given(client: httpx.AsyncClient) -> None:
    given = await client.post("/things/a", content=b"hello", headers={"key": "k1"})
    assert (given.text, given.headers["by"]) == ("u1 a k1 hello", "shortcut")


@pytest.mark.parametrize("headers", [{"Origin": "https://app.example"}, {"Expect": "x"}])
async def test_what_needs_the_framework_goes_to_it(
    headers: dict[str, str], client: httpx.AsyncClient
) -> None:
    given = await client.post("/things/a", content=b"hello", headers={"key": "k1", **headers})
    assert (given.text, given.headers["by"]) == ("u1 a k1 hello", "framework")


async def test_a_body_of_unknown_length_goes_to_the_framework(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"hel"
        yield b"lo"

    given = await client.post("/things/a", content=chunks())
    assert (given.text, given.headers["by"]) == ("u1 a None hello", "framework")


async def test_what_is_said_twice_goes_to_the_framework(client: httpx.AsyncClient) -> None:
    headers = [("key", "k1"), ("key", "k2")]
    given = await client.post("/things/a", content=b"hello", headers=headers)
    assert (given.text, given.headers["by"]) == ("u1 a k1 hello", "framework")


@pytest.mark.parametrize("origin", [[], [(b"origin", b"https://app.example")]], ids=["shortcut", "framework"])
async def test_half_a_body_is_neither_handled_nor_an_error(
    origin: list[tuple[bytes, bytes]], front: Shortcuts, capsys: pytest.CaptureFixture[str]
) -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b"half", "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {TOKEN}".encode()), (b"content-length", b"10"), *origin]
    scope = {"type": "http", "method": "POST", "path": "/things/a", "query_string": b"", "headers": headers}
    await front({**scope, "client": None, "server": None, "scheme": "http", "root_path": ""}, receive, send)
    assert (sent, messages, capsys.readouterr().out) == ([], [], "")


async def test_a_body_too_large_is_refused_unread(client: httpx.AsyncClient) -> None:
    assert (await client.post("/things/a", content=b"x" * 2001)).status_code == 413


async def test_another_path_or_method_is_not_its_own(client: httpx.AsyncClient) -> None:
    assert (await client.post("/things/UPPER", content=b"hello")).headers["by"] == "framework"
    assert (await client.get("/things/a")).status_code == 405


@pytest.mark.parametrize(("body", "status", "code"), [(b"", 422, "too_short"), (b"break", 500, "internal")])
async def test_problems_are_the_frameworks_own(
    body: bytes, status: int, code: str, client: httpx.AsyncClient
) -> None:
    short = await client.post("/things/a", content=body)
    long = await client.post("/things/a", content=body, headers={"Origin": "https://app.example"})
    assert (short.status_code, short.json()["code"]) == (status, code)
    assert short.json() == long.json()
    assert "hunter2" not in short.text


async def test_nobody_passes_without_a_token(client: httpx.AsyncClient) -> None:
    given = await client.post("/things/a", content=b"hello", headers={"Authorization": ""})
    assert (given.status_code, given.json()["code"]) == (401, "token_missing")


async def test_both_ways_count_against_one_limit(client: httpx.AsyncClient) -> None:
    ways = [{}, {"Origin": "https://app.example"}] * 3
    statuses = [(await client.post("/things/a", content=b"x", headers=way)).status_code for way in ways]
    assert statuses == [200, 200, 200, 200, 429, 429]


async def test_both_ways_are_measured_as_one_route(client: httpx.AsyncClient) -> None:
    await client.post("/things/a", content=b"x")
    await client.post("/things/a", content=b"x", headers={"Origin": "https://app.example"})
    text = (await client.get("/metrics")).text
    [count] = re.findall(r'duration_seconds_count\{.*route="/things/\{name\}".*\} (\S+)', text)
    assert float(count) == 2
