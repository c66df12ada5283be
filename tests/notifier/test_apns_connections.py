"""Connections to Apple: with whom, how long they stay, and when another is tried."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import cast

import pytest
from certificates import Authority
from contract.senders import AMPLE, a_push, persist, send, until
from fakeapns import TOPIC, FakeApns
from h1server import Http1Server
from h2server import Http2Server
from pushservice import Answer

from notifier.apns import ApnsSender
from notifier.channels import Channels
from notifier.endpoints import Origin
from notifier.http2 import Http2Connection
from notifier.sender import Delivered, Push, Retry
from notifier.wire import Connection, Exchange, NotTaken, Request, Response

ORIGIN = Origin("https", "push.example", 443)
REQUEST = Request("push.example", "/", {}, b"{}")


@pytest.fixture
async def apns() -> AsyncIterator[FakeApns]:
    async with FakeApns.serve() as apns:
        yield apns


@pytest.fixture
def push(apns: FakeApns) -> Push:
    return a_push(apns)


# With whom


async def test_a_server_that_does_not_speak_http2_is_sent_nothing(apns: FakeApns, push: Push) -> None:
    heard: list[object] = []
    authority = Authority()

    def answering(request: object) -> Answer:
        heard.append(request)
        return Answer(200)

    async with Http1Server(answering).listening(authority.server_context()) as port:
        account = apns.account
        sender = ApnsSender(
            f"https://localhost:{port}", apns.key_pem, account.key_id, account.team_id, TOPIC,
            deadline=AMPLE, tls=authority.client_context(),
        )  # fmt: skip
        (outcome,) = await send(sender, push)
        assert isinstance(outcome, Retry)
        assert heard == []
        await sender.close()


async def test_a_server_of_an_unknown_authority_is_sent_nothing(apns: FakeApns, push: Push) -> None:
    account = apns.account
    sender = ApnsSender(
        apns.url, apns.key_pem, account.key_id, account.team_id, TOPIC,
        deadline=AMPLE, tls=Authority().client_context(),
    )  # fmt: skip
    (outcome,) = await send(sender, push)
    assert isinstance(outcome, Retry)
    assert apns.connections == 0
    await sender.close()


async def test_a_server_that_closes_at_once_is_not_asked_again_and_again(apns: FakeApns, push: Push) -> None:
    apns.server.stopped = True  # whoever comes is let in, and sent away
    sender = apns.sender(deadline=AMPLE)
    assert isinstance((await send(sender, push))[0], Retry)
    apns.server.stopped = False
    assert isinstance(await persist(sender, push), Delivered)
    await sender.close()


# How long


async def connected(port: int, **options: float) -> tuple[Http2Connection, asyncio.Event]:
    """One that is kept, and what is set when it ends."""
    ended = asyncio.Event()

    def changed() -> None:
        if not connection.usable:
            ended.set()

    connection = Http2Connection(changed, kept=True, **options)
    await asyncio.get_running_loop().create_connection(lambda: connection, "127.0.0.1", port)
    await connection.ready.wait()
    return connection, ended


async def test_a_connection_that_is_kept_is_asked_whether_it_is_alive_and_used_again() -> None:
    server = Http2Server(lambda _request: Answer(200), lambda _request: Answer(200))
    async with server.listening(None) as port:
        connection, _ = await connected(port, idle=0.01, pong=AMPLE)
        await until(lambda: server.pings >= 3)
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        connection.start(Exchange(REQUEST, answered))
        assert (await answered).status == 200
        assert server.connections == 1
        connection.close()


async def test_a_connection_that_is_dead_is_given_up() -> None:
    def listen() -> asyncio.Protocol:
        return Deaf()

    server = await asyncio.get_running_loop().create_server(listen, "127.0.0.1", 0)
    connection, ended = await connected(server.sockets[0].getsockname()[1], idle=0.01, pong=0.01)
    await until(ended.is_set)
    assert not connection.usable
    server.close()


class Deaf(asyncio.Protocol):
    """Says that it speaks HTTP/2, and then nothing any more."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(bytes.fromhex("000000040000000000"))  # SETTINGS


# When another is tried


class Dials:
    """Connections that cannot be made."""

    def __init__(self) -> None:
        self.count = 0

    async def dial(self, origin: Origin, changed: Callable[[], None]) -> Connection:
        self.count += 1
        raise NotTaken("refused")


async def test_while_nobody_is_there_requests_fail_at_once_and_do_not_knock_each() -> None:
    dials = Dials()
    channels = Channels(dials.dial, patience=AMPLE, per_origin=2)
    for _ in range(100):
        with pytest.raises(NotTaken):
            await channels.ask(ORIGIN, REQUEST, within=AMPLE)
    assert dials.count <= 3
    await channels.close()


async def test_after_a_pause_it_is_tried_again() -> None:
    dials = Dials()
    channels = Channels(dials.dial, patience=AMPLE)
    while dials.count < 2:
        with pytest.raises(NotTaken):
            await channels.ask(ORIGIN, REQUEST, within=AMPLE)
        await asyncio.sleep(0.01)
    await channels.close()
