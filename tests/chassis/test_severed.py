"""Clients whose network fails without a word: for how long the kernel waits for them."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import severed
from severed import REQUEST, STALL, Endless, serving


def patience(transport: asyncio.BaseTransport) -> int:
    """Milliseconds; 0 is the kernel's own, a quarter of an hour."""
    found = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert isinstance(found, int)
    return found


def test_a_stream_ends_soon_after_the_network_of_its_client_failed() -> None:
    ended = severed.in_own_network(severed.__file__)
    assert (ended.stdout, ended.stderr) == ("left\n", "")


async def test_what_an_http_client_does_not_confirm_is_waited_for_as_long_as_what_it_does_not_take() -> None:
    async with serving(Endless()) as server:
        host, port = server.servers[0].sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(REQUEST)
        await reader.readuntil(b":\n\n")
        [connection] = server.server_state.connections
        assert patience(connection.transport) == STALL * 1000
        writer.close()


async def test_sockets_have_pings_and_the_kernels_own_patience() -> None:
    found = asyncio.get_running_loop().create_future()

    class Upgraded(asyncio.Protocol):
        def __init__(self, **_: Any) -> None:
            pass

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            found.set_result(patience(transport))

        def data_received(self, data: bytes) -> None:
            pass

    async with serving(Endless(), ws=Upgraded) as server:
        host, port = server.servers[0].sockets[0].getsockname()
        _, writer = await asyncio.open_connection(host, port)
        writer.write(REQUEST[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert await found == 0
        writer.close()


async def test_a_connection_that_is_not_tcp_is_served_all_the_same(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    async with serving(Endless(), uds=path):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(REQUEST)
        assert (await reader.readuntil(b":\n\n")).startswith(b"HTTP/1.1 200 ")
        writer.close()
