"""What the laboratory breaks: real processes that can be killed, paused, restarted, and brought back."""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from processes import Process
from running import free_port

from parley_cli import embedded

AGAIN = 0.5
"""Seconds after which a service that ended by itself is started again, as an orchestrator does."""

PATIENCE = 60.0
"""Seconds for a service to serve, with those starts that fail because something else is broken too."""

LOOK = 0.05
"""Seconds between two looks at a process."""


class Machine(Protocol):
    """One process, or one server with its children, under a name."""

    name: str

    @property
    def pids(self) -> list[int]:
        """Of those that run, the first one being the parent of the others."""
        ...

    async def start(self) -> None:
        """Return when it serves."""
        ...

    async def kill(self) -> None:
        """As a crash does: kill -9."""
        ...

    async def stop(self) -> None:
        """In order, as an orchestrator does: SIGTERM."""
        ...


async def pause(machine: Machine, seconds: float) -> None:
    """SIGSTOP, and SIGCONT after so long: the kernel keeps the connections, and nobody answers."""
    pids = machine.pids
    for pid in pids:
        _send(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        for pid in pids:
            _send(pid, signal.SIGCONT)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # a backend of Postgres that has ended since
        os.kill(pid, number)


class Service:
    """A service as a process; it is started again whenever it ends by itself."""

    def __init__(self, name: str, module: str, environ: Mapping[str, str]) -> None:
        self.name = name
        self.deaths = 0
        """How often it ended by itself."""
        self._told = module, dict(environ)
        self._process: Process | None = None
        self._wanted = False
        self.port = free_port()

    @property
    def pids(self) -> list[int]:
        return [self._running.pid]

    @property
    def logs(self) -> str:
        return "".join(self._running.logs)

    @property
    def _running(self) -> Process:
        assert self._process is not None
        return self._process

    async def start(self) -> None:
        if self._process is None:
            self._process = Process(*self._told, self.port)
        else:
            self._process.start()
        self._wanted = True
        async with asyncio.timeout(PATIENCE):
            while not await self._serves():
                await asyncio.sleep(LOOK)

    async def kill(self) -> None:
        self._wanted = False
        await asyncio.to_thread(self._running.kill)

    async def stop(self) -> None:
        self._wanted = False
        await asyncio.to_thread(self._running.stop)

    async def watch(self) -> None:
        """Start it again whenever it ends by itself, until cancelled."""
        while True:
            await asyncio.sleep(LOOK)
            if self._wanted and self._running.ended:
                self.deaths += 1
                await asyncio.sleep(AGAIN)
                if self._wanted:
                    await asyncio.to_thread(self._running.kill)  # what is left of it: a pipe and its reader
                    self._running.start()

    async def _serves(self) -> bool:
        """Whether it takes connections; those who wait for `Process.ready` may wait for one that ended."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return not self._running.ended


S = TypeVar("S", bound=embedded.Server)


class Server(Generic[S]):
    """An embedded server that comes back on the same port, with the same data and credentials."""

    def __init__(self, name: str, launch: Callable[[], AbstractAsyncContextManager[S]], store: Path) -> None:
        self.name = name
        self._launch = launch
        self._store = store
        self._stack = AsyncExitStack()
        self._server: S | None = None

    @property
    def running(self) -> S:
        assert self._server is not None
        return self._server

    @property
    def pids(self) -> list[int]:
        return [self.running.pid, *_children(self.running.pid)]

    async def start(self) -> None:
        self._server = await self._stack.enter_async_context(self._launch())

    async def kill(self) -> None:
        os.kill(self.running.pid, signal.SIGKILL)
        with contextlib.suppress(embedded.Died):
            await self.running.wait()
        await self._stack.aclose()

    async def stop(self) -> None:
        await self._stack.aclose()

    def wipe(self) -> None:
        """Delete what it has stored, while it is away."""
        shutil.rmtree(self._store)


def _children(pid: int) -> list[int]:
    """proc(5)"""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
