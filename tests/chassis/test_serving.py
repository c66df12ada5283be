"""Services are served as one: they start, drain and end together."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request

from chassis import health, http
from chassis.auth import Caller, sign
from chassis.loops import new_loop
from chassis.serving import LoopEnded, PortTaken, Service, serve
from chassis.settings import Settings
from chassis.telemetry import start

router = APIRouter()


@router.get("/me")
async def me(caller: Caller) -> dict[str, Any]:
    return {"user": caller.user}


@router.post("/size")
async def size(request: Request) -> int:
    return len(await request.body())


@router.get("/address")
async def address(request: Request) -> str:
    return request.client.host if request.client else ""


def hello(secret: str, **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {sign(secret, 'u1', **claims)}"}


async def forever() -> None:
    await asyncio.Event().wait()


async def test_the_port_answers_once_started_is_called(running: Any) -> None:
    async with running(Service("test", [router], [forever])) as client:
        answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "server" not in answer.headers


async def test_a_route_knows_who_is_calling(running: Any, secret: str) -> None:
    async with running(Service("test", [router])) as client:
        assert (await client.get("/me", headers=hello(secret))).json() == {"user": "u1"}


@pytest.mark.parametrize(
    ("authorization", "code", "challenge"),
    [
        ("", "token_missing", "Bearer"),
        ("Basic dTpw", "token_missing", "Bearer"),
        ("Bearer", "token_missing", "Bearer"),
        ("Bearer x.y.z", "token_invalid", 'Bearer error="invalid_token", error_description="'),
    ],
)
async def test_without_a_valid_token_the_answer_says_how_to_send_one(
    authorization: str, code: str, challenge: str, running: Any
) -> None:
    async with running(Service("test", [router])) as client:
        answer = await client.get("/me", headers={"Authorization": authorization})
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert answer.headers["www-authenticate"].startswith(challenge)


async def test_an_expired_token_is_told_apart(running: Any, secret: str) -> None:
    async with running(Service("test", [router])) as client:
        answer = await client.get("/me", headers=hello(secret, ttl=-10))
    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")


async def test_whoever_calls_too_often_is_told_to_wait(running: Any, settings: Settings, secret: str) -> None:
    strict = settings.model_copy(update={"rate_user": 0.01, "rate_user_burst": 2})
    async with running(Service("test", [router]), settings=strict) as client:
        answers = [await client.get("/me", headers=hello(secret)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 90 <= int(answers[2].headers["retry-after"]) <= 100


async def test_guessing_tokens_is_limited_by_address(running: Any, settings: Settings) -> None:
    strict = settings.model_copy(update={"rate_address": 0.01, "rate_address_burst": 2})
    async with running(Service("test", [router]), settings=strict) as client:
        answers = [await client.get("/me", headers={"Authorization": "Bearer x"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]


async def test_limits_are_off_for_a_load_test(running: Any, settings: Settings, secret: str) -> None:
    off = settings.model_copy(update={"rate_limits": "off", "rate_user": 0.01, "rate_user_burst": 1})
    async with running(Service("test", [router]), settings=off) as client:
        assert {(await client.get("/me", headers=hello(secret))).status_code for _ in range(5)} == {200}


@pytest.mark.parametrize(
    ("proxies", "seen"), [("", "127.0.0.1"), ("127.0.0.1", "192.0.2.7"), ("10.0.0.0/8", "127.0.0.1")]
)
async def test_only_a_trusted_proxy_may_say_who_called(
    proxies: str, seen: str, running: Any, settings: Settings
) -> None:
    behind = settings.model_copy(update={"trusted_proxies": proxies})
    async with running(Service("test", [router]), settings=behind) as client:
        assert (await client.get("/address", headers={"X-Forwarded-For": "192.0.2.7"})).json() == seen


async def chunks(count: int, size: int) -> Any:
    for _ in range(count):
        yield b"x" * size


@pytest.mark.parametrize(
    "body", [b"x" * 2049, chunks(3, 1024), chunks(1, 100_000)], ids=["announced", "chunked", "big"]
)
async def test_a_body_over_the_limit_is_refused(body: Any, running: Any, settings: Settings) -> None:
    small = settings.model_copy(update={"max_body": 2048})
    async with running(Service("test", [router]), settings=small) as client:
        answer = await client.post("/size", content=body)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("body", [b"x" * 2048, chunks(2, 1024)], ids=["announced", "chunked"])
async def test_a_body_of_just_the_limit_is_accepted(body: Any, running: Any, settings: Settings) -> None:
    small = settings.model_copy(update={"max_body": 2048})
    async with running(Service("test", [router]), settings=small) as client:
        assert (await client.post("/size", content=body)).json() == 2048


async def test_a_head_without_end_is_refused(running: Any, settings: Settings) -> None:
    async with running(Service("a")):
        reader, writer = await asyncio.open_connection("127.0.0.1", settings.port)
        writer.write(b"GET / HTTP/1.1\r\nX-Long: " + b"x" * (http.MAX_HEAD + 1))
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_one_connection_carries_request_after_request(running: Any, settings: Settings) -> None:
    async with running(Service("a")):
        reader, writer = await asyncio.open_connection("127.0.0.1", settings.port)
        for _ in range(3):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200 OK")
        writer.close()


async def test_readiness_is_that_every_dependency_answers(running: Any) -> None:
    async def refuse() -> None:
        raise ConnectionError("postgresql://u:p@h/d")

    async def answer_at_once() -> None:
        return

    services = [Service("a", ready={"log": answer_at_once}), Service("b", ready={"nats": refuse})]
    async with running(*services) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unready",
        "checks": {"a.log": "ok", "b.nats": "ConnectionError"},
    }


async def test_a_dependency_that_hangs_is_not_waited_for(
    running: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "TIMEOUT", 0.01)
    async with running(Service("a", ready={"log": forever})) as client:
        assert (await client.get("/readyz")).json()["checks"] == {"a.log": "TimeoutError"}


async def test_a_ready_process_says_so(running: Any) -> None:
    async def answer() -> str:
        return "PONG"

    async with running(Service("a", ready={"nats": answer})) as client:
        ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "checks": {"a.nats": "ok"}})


async def test_what_parts_say_of_themselves_is_told_and_is_no_matter_of_readiness(running: Any) -> None:
    def fall() -> str:
        raise LookupError("a secret")

    services = [
        Service("a", details={"apns": lambda: "off: PARLEY_APNS_KEY_FILE is not set", "fcm": lambda: "on"}),
        Service("b", details={"x": fall}),
    ]
    async with running(*services) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {},
        "details": {
            "a.apns": "off: PARLEY_APNS_KEY_FILE is not set",
            "a.fcm": "on",
            "b.x": "LookupError",
        },
    }


async def test_what_a_part_says_is_asked_for_each_time(running: Any) -> None:
    sayings = iter(["one", "two"])
    async with running(Service("a", details={"x": lambda: next(sayings)})) as client:
        answers = [(await client.get("/readyz")).json()["details"] for _ in range(2)]
    assert answers == [{"a.x": "one"}, {"a.x": "two"}]


async def test_draining_is_unready_first_and_then_lets_the_service_finish(running: Any) -> None:
    seen: list[Any] = []

    async def drain() -> None:
        async with httpx.AsyncClient(base_url=client.base_url) as other:
            seen.append((await other.get("/readyz")).json()["status"])

    async with running(Service("a", drain=drain)) as client:
        pass
    assert seen == ["draining"]


async def test_a_drain_that_never_ends_is_cut_short(running: Any, settings: Settings) -> None:
    impatient = settings.model_copy(update={"drain_seconds": 0.01})
    async with running(Service("a", drain=forever), settings=impatient) as client:
        assert (await client.get("/healthz")).status_code == 200


async def test_a_drain_that_fails_does_not_keep_the_others_from_draining(running: Any) -> None:
    drained = asyncio.Event()

    async def fail() -> None:
        raise RuntimeError("cannot drain")

    async def drain() -> None:
        drained.set()

    async with running(Service("a", drain=fail), Service("b", drain=drain)):
        pass
    assert drained.is_set()


async def test_a_request_under_way_is_answered_before_the_server_stops(running: Any) -> None:
    slow, begun, go_on = APIRouter(), asyncio.Event(), asyncio.Event()

    @slow.get("/slow")
    async def wait() -> str:
        begun.set()
        await go_on.wait()
        return "answered"

    async def drain() -> None:
        asyncio.get_running_loop().call_later(0.2, go_on.set)

    async with httpx.AsyncClient() as patient:
        async with running(Service("a", [slow], drain=drain)) as client:
            answer = asyncio.create_task(patient.get(f"{client.base_url}/slow"))
            await begun.wait()
        assert (await answer).json() == "answered"


async def test_a_loop_that_dies_takes_the_server_with_it(settings: Settings) -> None:
    listening = asyncio.Event()

    async def die() -> None:
        await listening.wait()
        raise ConnectionError("the stream is gone")

    service = Service("a", loops=[die, forever])
    with pytest.raises(ConnectionError, match="the stream is gone"):
        await serve(service, settings=settings, started=lambda _: listening.set())
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{settings.port}/healthz")


async def test_a_loop_that_merely_ends_is_an_error_too(settings: Settings) -> None:
    async def relay() -> None:
        return

    with pytest.raises(LoopEnded, match=r"a\.relay has ended"):
        await serve(Service("a", loops=[relay]), settings=settings)


async def test_loops_are_cancelled_after_the_server_has_stopped(running: Any) -> None:
    order: list[str] = []

    async def relay() -> None:
        try:
            await forever()
        finally:
            order.append("loop")

    async def drain() -> None:
        order.append("drain")

    async with running(Service("a", loops=[relay], drain=drain)) as client:
        await client.get("/healthz")
    assert order == ["drain", "loop"]


async def test_cancelling_serve_leaves_nothing_behind(settings: Settings) -> None:
    listening, ended = asyncio.Event(), asyncio.Event()

    async def relay() -> None:
        try:
            await forever()
        finally:
            ended.set()

    serving = asyncio.create_task(
        serve(Service("a", loops=[relay]), settings=settings, started=lambda _: listening.set())
    )
    await listening.wait()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert ended.is_set()
    with socket.socket() as free:
        free.bind(("127.0.0.1", settings.port))


async def test_a_taken_port_is_said_to_be_taken(settings: Settings) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.port))
        other.listen()
        with pytest.raises(PortTaken, match=f"port {settings.port} on 127.0.0.1 is taken"):
            await serve(Service("a"), settings=settings)


async def test_port_0_is_any_free_port(running: Any, settings: Settings) -> None:
    async with running(Service("a"), settings=settings.model_copy(update={"port": 0})) as client:
        assert client.base_url.port not in (0, None)
        assert (await client.get("/healthz")).status_code == 200


async def test_only_one_service_can_accept_websockets(settings: Settings) -> None:
    with pytest.raises(ValueError, match="only one service"):
        await serve(
            Service("a", sockets=asyncio.Protocol), Service("b", sockets=asyncio.Protocol), settings=settings
        )


async def test_a_websocket_upgrade_goes_to_the_protocol_of_the_service(running: Any) -> None:
    class Refuse(asyncio.Protocol):
        def __init__(self, config: Any, server_state: Any, app_state: Any) -> None:
            self.transport: Any = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(b"HTTP/1.1 418 " + data.split()[1] + b"\r\nContent-Length: 0\r\n\r\n")
            self.transport.close()

    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    async with running(Service("a", sockets=Refuse)) as client:
        answer = await client.get("/v1/ws", headers=upgrade)
    assert (answer.status_code, answer.reason_phrase) == (418, "/v1/ws")


async def test_requests_are_measured_by_route(running: Any, secret: str) -> None:
    telemetry = start("test", {})
    async with running(Service("a", [router]), telemetry=telemetry) as client:
        await client.get("/me", headers=hello(secret))
        await client.get("/nowhere/with/a/secret")
        text = (await client.get("/metrics")).text
    telemetry.close()
    count = "http_server_request_duration_seconds_count"
    assert (
        f'{count}{{http_request_method="GET",http_response_status_code="200",http_route="/me"}} 1.0' in text
    )
    assert (
        f'{count}{{http_request_method="GET",http_response_status_code="404",http_route="_OTHER"}} 1.0'
        in text
    )


async def test_a_mounted_app_is_asked_after_the_routes(running: Any) -> None:
    async def page(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"page"})

    async with running(Service("a", [router], mounts={"/": page})) as client:
        assert (await client.get("/index.html")).text == "page"
        assert (await client.get("/me")).status_code == 401


PROGRAM = textwrap.dedent("""
    import asyncio, sys
    from chassis import logs
    from chassis.serving import Service, run, serve
    from chassis.settings import Settings

    async def forever():
        try:
            await asyncio.Event().wait()
        finally:
            print("loop ended", flush=True)

    async def drain():
        print("draining", flush=True)
        await asyncio.sleep(float(sys.argv[1]))
        print("drained", flush=True)

    logs.configure("debug")

    def say(url):
        print(url, flush=True)

    run(serve(Service("a", loops=[forever], drain=drain), settings=Settings(), started=say))
    print("bye", flush=True)
""")

Launch = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def launch(port: int) -> Any:
    """Start `PROGRAM` as a process of its own; it takes the given number of seconds to drain."""
    launched: list[subprocess.Popen[str]] = []

    def start(drain_takes: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PARLEY_PORT": str(port), "PARLEY_DRAIN_SECONDS": "30"}
        command = [sys.executable, "-c", PROGRAM, drain_takes]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        launched.append(subprocess.Popen(command, env=environment, text=True, **pipes))  # type: ignore[call-overload]
        return launched[-1]

    yield start
    for process in launched:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_stops_without_a_traceback(
    number: signal.Signals, launch: Launch, port: int
) -> None:
    process = launch("0")
    assert process.stdout
    assert process.stdout.readline() == f"http://127.0.0.1:{port}\n"
    process.send_signal(number)
    output, errors = process.communicate(timeout=20)
    assert output.splitlines() == ["draining", "drained", "loop ended", "bye"]
    assert "Traceback" not in errors
    assert process.returncode == 0


def test_a_second_signal_does_not_wait_for_the_drain(launch: Launch) -> None:
    process = launch("25")
    assert process.stdout
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "draining\n"
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=20)
    assert output.splitlines() == ["loop ended", "bye"]
    assert "Traceback" not in errors


def test_the_hot_path_runs_on_uvloop_with_fast_transports() -> None:
    loop = new_loop()
    assert type(loop).__module__.startswith("uvloop")
    assert "aiofastnet" in vars(loop)["create_server"].func.__module__
    loop.close()
