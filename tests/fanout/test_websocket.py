"""A socket's life behind uvicorn: conversation, idleness, closing and what is left of it."""

import asyncio
import gc
import logging
import weakref

import httpx
import pytest
import websockets
from rawsocket import Echo, closed, closing, connected, masked, serving, talk, texts

from fanout.frames import BINARY, PING, PONG, TEXT, frame
from fanout.websocket import Connection, Limits, Socket, Upgrade


class Failing(Echo):
    def text(self, message: str) -> None:
        raise ValueError(message)


async def test_sockets_and_http_share_the_port() -> None:
    async with serving(lambda _: Echo()) as port, httpx.AsyncClient() as http:
        async with websockets.connect(f"ws://127.0.0.1:{port}/v1/ws") as client:
            await client.send("κόσμε" * 5000)
            assert (await http.get(f"http://127.0.0.1:{port}/hello")).json() == "hello"
            assert await client.recv() == "κόσμε" * 5000
            await client.send(b"\x00\xff" * 30000)
            assert await client.recv() == b"\x00\xff" * 30000
            await (await client.ping(b"there?"))
        assert client.close_code == 1000


async def test_a_session_that_raises_loses_its_socket_only(caplog: pytest.LogCaptureFixture) -> None:
    sessions = [Echo(), Failing()]
    async with (
        serving(lambda _: sessions.pop()) as port,
        connected(port) as failing,
        connected(port) as other,
    ):
        failing.send(masked(b"boom"), masked(b"again"))
        assert await failing.rest() == [closed(1011)]
        other.send(masked(b"still here"))
        assert await other.receive() == (TEXT, b"still here")
    assert [record.levelno for record in caplog.records if record.name == "fanout.line"] == [logging.ERROR]


async def test_a_session_learns_the_peers_close_code() -> None:
    echo = Echo()
    async with serving(lambda _: echo) as port:
        await talk(port, closing(4100, b"bye"))
    assert echo.closings == [(4100, "bye")]


async def test_a_session_learns_its_peers_violation() -> None:
    echo = Echo()
    async with serving(lambda _: echo) as port:
        await talk(port, masked(b"\xff"))
    assert echo.closings == [(1007, "invalid UTF-8")]


async def test_a_connection_that_just_ends_is_1006() -> None:
    echo = Echo()
    async with serving(lambda _: echo) as port:
        async with connected(port):
            pass
        await echo.gone.wait()
    assert echo.closings == [(1006, "")]


async def test_an_aborted_socket_delivers_nothing_more() -> None:
    class Quitting(Echo):
        def text(self, message: str) -> None:
            super().text(message)
            self.socket.abort()

    quitting = Quitting()
    async with serving(lambda _: quitting) as port:
        assert await talk(port, masked(b"one") + masked(b"two")) == texts(b"one")
    assert quitting.closings == [(1006, "")]


async def test_joined_frames_arrive_as_several() -> None:
    class Joining(Echo):
        def opened(self, socket: Socket) -> None:
            socket.write(frame(b"one") + frame(b"two", BINARY) + frame(b"3" * 70000))

    async with serving(lambda _: Joining()) as port:
        assert await talk(port) == [(TEXT, b"one"), (BINARY, b"two"), (TEXT, b"3" * 70000), closed(1000)]


async def test_nothing_follows_our_close_frame() -> None:
    class Leaving(Echo):
        def text(self, message: str) -> None:
            self.socket.close(4001, "moved")
            self.socket.send(b"too late")
            self.socket.close(4002)

    leaving = Leaving()
    async with serving(lambda _: leaving) as port, connected(port) as peer:
        peer.send(masked(b"go"))
        assert await peer.receive() == closed(4001)
        peer.send(masked(b"unheard"), masked(b"", PING), closing(4001))
        assert await peer.rest() == []
    assert leaving.closings == [(4001, "")]


async def test_a_peer_that_lets_the_closing_handshake_lapse_is_cut() -> None:
    echo = Echo()
    async with serving(lambda _: echo, Limits(close=0.02)) as port, connected(port) as peer:
        peer.send(masked(b"ready"))
        await peer.receive()
        echo.socket.close(1000)
        assert await peer.rest() == [closed(1000)]
    assert echo.closings == [(1006, "")]


async def test_a_shutdown_closes_every_socket_with_1001() -> None:
    echo = Echo()
    async with serving(lambda _: echo) as port:
        client = await websockets.connect(f"ws://127.0.0.1:{port}")
    await client.wait_closed()
    assert client.close_code == 1001
    assert echo.closings == [(1001, "the server is going away")]


async def test_a_silent_peer_is_pinged_and_then_cut() -> None:
    echo = Echo()
    async with serving(lambda _: echo, Limits(ping=0.02, pong=0.02)) as port, connected(port) as peer:
        assert await peer.rest() == [(PING, b"")]
    assert echo.closings == [(1006, "")]


async def test_a_peer_that_answers_pings_stays() -> None:
    async with serving(lambda _: Echo(), Limits(ping=0.02, pong=0.2)) as port, connected(port) as peer:
        for _ in range(3):
            assert await peer.receive() == (PING, b"")
            peer.send(masked(b"", PONG))
        peer.send(masked(b"still here"))
        assert (TEXT, b"still here") in [await peer.receive(), await peer.receive()]


async def test_a_peer_that_does_not_read_is_not_read_either() -> None:
    echo, limits = Echo(), Limits(write_high=100_000, frames=1_000_000)
    async with serving(lambda _: echo, limits) as port, connected(port) as peer:
        peer.reader._transport.pause_reading()  # type: ignore[attr-defined]  # StreamReader offers no other way
        peer.send(masked(bytes(125), PING) * 100_000, masked(b"at last"))
        await echo.full.wait()
        assert limits.write_high < echo.socket.buffered < limits.write_high + 200
        peer.reader._transport.resume_reading()  # type: ignore[attr-defined]
        answers = {await peer.receive()}
        while (TEXT, b"at last") not in answers:
            answers.add(await peer.receive())
        assert answers == {(PONG, bytes(125)), (TEXT, b"at last")}
        assert echo.drained.is_set()


async def test_closed_connections_leave_no_object_behind() -> None:
    sessions: weakref.WeakSet[Echo] = weakref.WeakSet()

    def accept(_: Upgrade) -> Echo:
        echo = Echo()
        sessions.add(echo)
        return echo

    gc.collect()
    gc.disable()
    try:
        async with serving(accept) as port:
            for _ in range(200):
                assert await talk(port, masked(b"hello")) == [*texts(b"hello"), closed(1000)]
        assert [each for each in gc.get_objects() if isinstance(each, Connection)] == []
        assert names(gc.get_objects()).count("HttpToolsProtocol") == 0
        assert len(sessions) == 0
    finally:
        gc.enable()


def names(objects: list[object]) -> list[str]:
    return [type(each).__name__ for each in objects]


async def test_many_sockets_at_once_talk_and_end_together() -> None:
    async with serving(lambda _: Echo()) as port:
        conversations = (talk(port, masked(b"%d" % number)) for number in range(200))
        answers = await asyncio.gather(*conversations)
    assert answers == [[*texts(b"%d" % number), closed(1000)] for number in range(200)]
