"""A host with several addresses: those that do not serve are passed over."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from certificates import Authority
from h2server import Http2Server
from pushservice import Answer

from notifier.channels import Channels
from notifier.dialling import Dialling
from notifier.endpoints import Origin
from notifier.wire import NotTaken, Request

AMPLE = 30.0
"""Seconds, where none is to run out."""
HOST = "push.example.org"
REQUEST = Request(HOST, "/1", {}, b"x")
BROKEN, WHOLE = "127.0.0.2", "127.0.0.1"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
async def service(authority: Authority) -> AsyncIterator[tuple[Http2Server, int]]:
    """A push service, and its port."""
    service = Http2Server(lambda _: Answer(201), lambda _: Answer(201))
    tls = authority.server_context([HOST], protocols=["h2"])
    async with service.listening(tls) as port:
        yield service, port


class Closing(asyncio.Protocol):
    """Ends each connection as soon as it is made."""

    def __init__(self, met: list[str]) -> None:
        self._met = met

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._met.append(transport.get_extra_info("sockname")[0])
        transport.close()


@asynccontextmanager
async def closing(port: int, tls: ssl.SSLContext | None) -> AsyncIterator[list[str]]:
    """At the broken address; what is yielded has it once for each connection that was ended."""
    met: list[str] = []
    server = await asyncio.get_running_loop().create_server(lambda: Closing(met), BROKEN, port, ssl=tls)
    try:
        yield met
    finally:
        server.close()


@asynccontextmanager
async def asking(authority: Authority, *addresses: str) -> AsyncIterator[Channels]:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    dialling = Dialling(authority.client_context(), private=True, resolve=resolve)
    channels = Channels(dialling.dial, patience=AMPLE)
    try:
        yield channels
    finally:
        await channels.close()


@pytest.mark.parametrize("greeted", [False, True], ids=["before TLS", "after TLS"])
async def test_where_an_address_ends_the_connection_at_once_the_next_one_is_tried(
    greeted: bool, authority: Authority, service: tuple[Http2Server, int]
) -> None:
    whole, port = service
    tls = authority.server_context([HOST], protocols=["h2"]) if greeted else None
    async with closing(port, tls) as met, asking(authority, BROKEN, WHOLE) as channels:
        response = await channels.ask(Origin("https", HOST, port), REQUEST, within=AMPLE)
        assert response.status == 201
        assert (met, whole.connections) == ([BROKEN], 1)


async def test_where_all_addresses_end_the_connection_at_once_nothing_was_taken(
    authority: Authority, service: tuple[Http2Server, int]
) -> None:
    _, port = service
    tls = authority.server_context([HOST], protocols=["h2"])
    async with closing(port, tls) as met, asking(authority, BROKEN, BROKEN) as channels:
        with pytest.raises(NotTaken, match="ConnectionAbortedError"):
            await channels.ask(Origin("https", HOST, port), REQUEST, within=AMPLE)
        assert met == [BROKEN, BROKEN]
