"""Starts what is measured, on ports and data of its own."""

import asyncio
import json
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import jwt

from bench.processes import Process, running
from events import subjects
from events.jetstream import Nats, connect
from events.replay import Page, ReplayRequest
from parley_cli import embedded
from parley_cli.datadir import DataDir

SECRET = "a secret of the benchmarks, for one run each"
COMMON = {"PARLEY_RATE_LIMITS": "off", "PARLEY_JWT_SECRET": SECRET, "PARLEY_LOG_LEVEL": "warning"}
STARTING = 60.0
"""Seconds until a system must be ready."""
PORTS = range(21000, 32000)
"""Below the ephemeral ports, which outgoing connections take."""
ROOM = "bench"
EPOCH = "epoch-1"


@dataclass(frozen=True)
class Scale:
    """How big a run is: as the figures ask for, or a second of each to see that it works."""

    smoke: bool = False

    def seconds(self, full: float) -> float:
        return min(full, 1.0) if self.smoke else full

    def sockets(self, full: int) -> int:
        return min(full, 20) if self.smoke else full


@dataclass(frozen=True)
class System:
    process: Process
    port: int

    def path(self) -> str:
        """Of the socket, with a token that may do everything."""
        return f"/v1/ws?token={token()}"


def token(user: str = "u1") -> str:
    claims = {"sub": user, "name": "User One", "exp": int(time.time()) + 3600, "rooms": {"*": "rwm"}}
    return jwt.encode(claims, SECRET, "HS256")


def subscribe(room: str) -> str:
    return json.dumps({"id": 1, "type": "subscribe", "room": room})


def free_port() -> int:
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise SystemExit(f"no free port from {PORTS.start} to {PORTS.stop}")


@asynccontextmanager
async def up(**settings: str) -> AsyncIterator[System]:
    """Everything, as `parley up` runs it, on data that is thrown away."""
    port = free_port()
    parley = str(Path(sys.executable).with_name("parley"))
    with tempfile.TemporaryDirectory() as data:
        command = [parley, "up", "--port", str(port), "--data-dir", data]
        async with running(command, **(COMMON | settings)) as process:
            await ready(process, port)
            yield System(process, port)


@asynccontextmanager
async def nats_server() -> AsyncIterator[tuple[embedded.Nats, Nats]]:
    """A NATS of its own, and a connection to it."""
    with tempfile.TemporaryDirectory() as data, DataDir(Path(data)) as datadir:
        async with (
            embedded.nats(datadir) as server,
            connect(server.url, user=server.user, password=server.password, name="bench") as nats,
        ):
            yield server, nats


@asynccontextmanager
async def service(name: str, server: embedded.Nats, **settings: str) -> AsyncIterator[System]:
    """One process of a service."""
    port = free_port()
    login = {"PARLEY_NATS_USER": server.user, "PARLEY_NATS_PASSWORD": server.password}
    told = COMMON | login | {"PARLEY_PORT": str(port), "PARLEY_NATS_URL": server.url} | settings
    async with running([sys.executable, "-m", name], **told) as process:
        await ready(process, port)
        yield System(process, port)


@asynccontextmanager
async def fanout() -> AsyncIterator[tuple[System, Nats]]:
    """One fanout process, and NATS to publish to; the log behind it is an empty one."""
    async with nats_server() as (server, nats):
        await nats.ensure_stream()
        await nats.serve(subjects.REPLAY, "comments", empty_log)
        async with service("fanout", server) as system:
            yield system, nats


async def empty_log(request: bytes) -> bytes:
    after = ReplayRequest.model_validate_json(request).after
    return Page(epoch=EPOCH, head=0, first=after + 1, events=()).encode()


@asynccontextmanager
async def baseline() -> AsyncIterator[System]:
    port = free_port()
    async with running([sys.executable, "-m", "bench.baseline", str(port)]) as process:
        await ready(process, port)
        yield System(process, port)


async def ready(process: Process, port: int) -> None:
    """Wait for `/readyz`. Raise `SystemExit` if the process ends or takes too long."""
    async with httpx.AsyncClient(trust_env=False) as http:
        for _ in range(int(STARTING / 0.1)):
            if process.child.returncode is not None:
                raise SystemExit("what was to be measured did not start: see above")
            try:
                answer = await http.get(f"http://127.0.0.1:{port}/readyz")
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.is_success:
                return
            await asyncio.sleep(0.1)
    raise SystemExit(f"what was to be measured was not ready after {STARTING:g} s")
