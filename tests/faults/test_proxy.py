"""The proxy between two ends of a conversation: what it breaks, and that it breaks nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from faults.proxy import Proxy

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Greeter:
    """A server that says its name, then repeats what it hears."""

    def __init__(self, name: bytes) -> None:
        self._name = name
        self._talks: set[asyncio.Task[None]] = set()
        self.ends: list[str] = []
        self.ended = asyncio.Event()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        """On which port; at the end everybody has left."""
        async with await asyncio.start_server(self._accepted, "127.0.0.1") as server:
            yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*self._talks)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._talks.add(asyncio.create_task(self._talk(reader, writer)))

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self._name)
        try:
            while piece := await reader.read(1000):
                writer.write(piece)
            self.ends.append("fin")
        except ConnectionResetError:
            self.ends.append("reset")
        self.ended.set()
        await leave(writer)


@pytest.fixture
async def one() -> Greeter:
    return Greeter(b"1")


@pytest.fixture
async def proxy(one: Greeter) -> AsyncIterator[Proxy]:
    """Before two servers, the first of which is `one`."""
    async with (
        one.serving() as first,
        Greeter(b"2").serving() as second,
        Proxy("to the greeters", [first, second], 0) as proxy,
    ):
        yield proxy


async def dial(proxy: Proxy) -> Ends:
    return await asyncio.open_connection("127.0.0.1", proxy.port)


async def leave(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):  # the other side was cut off before
        await writer.wait_closed()


async def greeted(proxy: Proxy) -> Ends:
    reader, writer = await dial(proxy)
    await reader.readexactly(1)
    return reader, writer


async def name(proxy: Proxy) -> bytes:
    """Of the server that a new connection is given."""
    reader, writer = await dial(proxy)
    said = await reader.readexactly(1)
    await leave(writer)
    return said


async def test_it_passes_both_directions_and_their_ends(proxy: Proxy) -> None:
    reader, writer = await dial(proxy)
    writer.write(b"hello" * 50_000)
    writer.write_eof()
    assert await reader.read() == b"1" + b"hello" * 50_000
    await leave(writer)


async def test_connections_go_to_one_upstream_after_the_other(proxy: Proxy) -> None:
    assert [await name(proxy) for _ in range(4)] == [b"1", b"2", b"1", b"2"]


async def test_an_upstream_that_is_away_is_passed_over(one: Greeter) -> None:
    async with Greeter(b"2").serving() as away:
        pass
    async with one.serving() as there, Proxy("", [away, there], 0) as proxy:
        assert [await name(proxy) for _ in range(2)] == [b"1", b"1"]


async def test_without_any_upstream_the_connection_ends() -> None:
    async with Proxy("", [], 0) as proxy:
        reader, writer = await dial(proxy)
        assert await reader.read() == b""
        await leave(writer)


@pytest.mark.parametrize("how", ["fin", "reset"])
async def test_a_cut_ends_both_sides(proxy: Proxy, one: Greeter, how: str) -> None:
    reader, writer = await greeted(proxy)
    proxy.cut(reset=how == "reset")
    if how == "reset":
        with pytest.raises(ConnectionResetError):
            await reader.read()
    else:
        assert await reader.read() == b""
    await one.ended.wait()
    assert one.ends == [how]
    await leave(writer)


async def test_what_a_blackhole_held_arrives_when_it_ends(proxy: Proxy) -> None:
    reader, writer = await greeted(proxy)
    with proxy.blackhole(proxy.there):
        writer.write(b"a")
        assert await name(proxy) == b"2"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(1), 0.05)
    assert await reader.readexactly(1) == b"a"
    await leave(writer)


async def test_a_slow_way_delays_each_piece_and_bounds_the_rate(proxy: Proxy) -> None:
    reader, writer = await greeted(proxy)
    clock = asyncio.get_running_loop().time
    began = clock()
    with proxy.slow(proxy.back, delay=0.05, rate=100_000):
        writer.write(b"x" * 10_000)
        await reader.readexactly(10_000)
    assert clock() - began > 0.1  # 0.15, but for what the loop rounds
    await leave(writer)


async def test_a_healed_proxy_is_as_new(proxy: Proxy) -> None:
    with proxy.blackhole(proxy.there, proxy.back), proxy.slow(proxy.there, delay=60, rate=1):
        pass
    reader, writer = await greeted(proxy)
    writer.write(b"a")
    assert await reader.readexactly(1) == b"a"
    await leave(writer)
