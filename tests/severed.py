"""A process with a network of its own, in which a client is cut off from a server without a word.

Run as `in_own_network(__file__)`. Linux must allow that to whoever is not root: Ubuntu, after
`sysctl kernel.apparmor_restrict_unprivileged_userns=0`.
"""

import asyncio
import fcntl
import os
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.http import Patience, http_protocol
from chassis.loops import new_loop

STALL = 1.0
"""Seconds."""
BEAT = 0.05
"""Seconds between two pieces of an answer."""
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

_INTERFACE, _GET_FLAGS, _SET_FLAGS, _UP = "16sh22x", 0x8913, 0x8914, 1  # netdevice(7)


@asynccontextmanager
async def serving(app: ASGIApp, **options: Any) -> AsyncIterator[uvicorn.Server]:
    """The server, with `options` of its own."""
    config = uvicorn.Config(
        app,
        port=0,
        http=http_protocol(Patience(stall=STALL)),
        lifespan="off",
        interface="asgi3",
        log_config=None,
        **options,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server
    finally:
        server.force_exit = True
        await server.shutdown()


def in_own_network(program: str) -> "subprocess.CompletedProcess[str]":
    """What the program printed, run as root of a new namespace."""
    namespaces = ["--net"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--net"]
    command = ["unshare", *namespaces, sys.executable, program]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def link(*, up: bool) -> None:
    """Of all that runs here; while it is down, what is sent vanishes."""
    with socket.socket() as any_socket:
        answer = fcntl.ioctl(any_socket, _GET_FLAGS, struct.pack(_INTERFACE, b"lo", 0))
        _, flags = struct.unpack(_INTERFACE, answer)
        asked = struct.pack(_INTERFACE, b"lo", flags | _UP if up else flags & ~_UP)
        fcntl.ioctl(any_socket, _SET_FLAGS, asked)


class Endless:
    """Streams until it is told that the client has left."""

    def __init__(self) -> None:
        self.left = asyncio.Event()

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        leaving = asyncio.ensure_future(receive())
        leaving.add_done_callback(lambda _: self.left.set())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not leaving.done():
            await send({"type": "http.response.body", "body": b":\n\n", "more_body": True})
            await asyncio.wait([leaving], timeout=BEAT)


async def main() -> None:
    link(up=True)
    app = Endless()
    async with serving(app) as server:
        host, port = server.servers[0].sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(REQUEST)
        await reader.readuntil(b":\n\n")
        link(up=False)
        async with asyncio.timeout(20 * STALL):
            await app.left.wait()
        print("left", flush=True)
        link(up=True)
        writer.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())
