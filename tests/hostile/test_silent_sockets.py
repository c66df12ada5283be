"""Thousands of clients that connect and then do nothing, or next to nothing, against services as they run."""

import asyncio
import resource
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from anyio.from_thread import BlockingPortal
from hostility import conversation, heard, memory
from processes import Cluster, Process, cluster, token
from rawsocket import HANDSHAKE
from servers import database

from chassis.loops import raise_files
from parley_cli import embedded

SECONDS = 4
"""That a head, a body and a connect request may take here."""
SPARE = 1000
"""Files that the tests need beside."""
MOST = 10_000
EACH = 40_000
"""Bytes of memory that a silent client may cost: measured, 4 to 14 thousand."""
UPGRADE = "".join(
    f"{name}: {value}\r\n"
    for name, value in {"Host": "x", "Connection": "Upgrade", "Upgrade": "websocket", **HANDSHAKE}.items()
)
SILENT = b""
HALF_A_HEAD = b"GET /healthz HTTP/1.1\r\nX-Slow: "
HALF_A_BODY = (
    f"POST /v1/rooms/lobby/comments HTTP/1.1\r\nAuthorization: Bearer {token()}\r\n"
    'Content-Length: 1000\r\n\r\n{"body": "'
).encode()
NO_CONNECT = f"GET /v1/ws HTTP/1.1\r\n{UPGRADE}\r\n".encode()


@pytest.fixture(scope="module")
def services(
    servers_portal: BlockingPortal, postgres_server: embedded.Postgres, nats_server: embedded.Nats
) -> Iterator[Cluster]:
    raise_files()
    environ = {
        "PARLEY_HEAD_SECONDS": str(SECONDS),
        "PARLEY_BODY_SECONDS": str(SECONDS),
        "PARLEY_CONNECT_SECONDS": str(SECONDS),
    }
    with (
        servers_portal.wrap_async_context_manager(database(postgres_server)) as url,
        cluster(url, nats_server.full_url, environ) as running,
    ):
        yield running


class Silent(asyncio.Protocol):
    """Says what it was told to, and keeps what it hears."""

    def __init__(self, said: bytes) -> None:
        self._said = said
        self.heard = b""
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._said)

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def connection_lost(self, _: Exception | None) -> None:
        self.over.set_result(self.heard)

    async def trickle(self) -> None:
        while not self._transport.is_closing():
            self._transport.write(b"x")
            await asyncio.sleep(0.2)

    def cut(self) -> None:
        self._transport.abort()


async def crowd(process: Process, said: bytes, count: int) -> list[Silent]:
    """So many connections."""
    loop, found = asyncio.get_running_loop(), list[Silent]()
    for start in range(0, count, 500):
        here = range(start, min(start + 500, count))
        made = (loop.create_connection(lambda: Silent(said), "127.0.0.1", process.port) for _ in here)
        found += [protocol for _, protocol in await asyncio.gather(*made)]
    return found


def ending(heard: bytes) -> str:
    """How the server took its leave."""
    if heard.startswith(b"HTTP/1.1 101 "):
        _, _, frames = heard.partition(b"\r\n\r\n")
        return f"close {int.from_bytes(frames[2:4], 'big')}" if frames[:1] == b"\x88" else "no close"
    return heard[9:12].decode()


async def test_silent_clients_are_sent_away_and_nobody_else_notices(services: Cluster) -> None:
    most = min(MOST, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE)
    assert most >= 2000
    [comments], [fanout] = services.comments, services.fanouts
    async with conversation(services) as seen:
        await heard(seen, 10)
        before = memory(comments) + memory(fanout)
        silent = await crowd(fanout, NO_CONNECT, most // 2)
        begun = await crowd(comments, HALF_A_BODY, most // 10)
        for process in (comments, fanout):
            silent += await crowd(process, SILENT, most // 10)
            begun += await crowd(process, HALF_A_HEAD, most // 10)
        slow = [asyncio.create_task(each.trickle()) for each in begun[::20]]
        await heard(seen, 10)
        assert memory(comments) + memory(fanout) - before < EACH * len(silent + begun)
        ends = Counter([ending(await each.over) for each in silent + begun])
        await asyncio.gather(*slow)
        await heard(seen, 10)
    assert ends == {"close 4001": most // 2, "": most // 10 * 2, "408": most // 10 * 3}


async def test_more_than_may_wait_make_room_for_each_other(services: Cluster) -> None:
    most = int(min(5000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4))
    [comments] = services.comments
    async with conversation(services) as seen:
        silent = await crowd(comments, HALF_A_HEAD, most + 500)
        await asyncio.gather(*(each.over for each in silent[:400]))
        await heard(seen, 10)
        for each in silent:
            each.cut()
    assert {ending(each.heard) for each in silent[:400]} == {""}


async def test_where_no_more_files_may_be_open_clients_are_turned_away(services: Cluster) -> None:
    [fanout] = services.fanouts
    limits = resource.prlimit(fanout.pid, resource.RLIMIT_NOFILE)
    async with conversation(services) as seen:
        await heard(seen, 1)
        opened = len(list(Path(f"/proc/{fanout.pid}/fd").iterdir()))
        resource.prlimit(fanout.pid, resource.RLIMIT_NOFILE, (opened + 200, limits[1]))
        try:
            silent = await crowd(fanout, SILENT, 600)
            await asyncio.gather(*(each.over for each in silent))
            await heard(seen, 10)
        finally:
            resource.prlimit(fanout.pid, resource.RLIMIT_NOFILE, limits)
    assert len([line for line in fanout.logs if "out_of_files" in line]) == 1
    assert "Traceback" not in "".join(fanout.logs)
