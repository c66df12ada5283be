"""A PostgreSQL of one test alone, which the test may stop, freeze and start again."""

import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from parley_cli import embedded
from parley_cli.datadir import DataDir


class OwnPostgres:
    """A server that comes back on the same port with the same data."""

    def __init__(self, datadir: DataDir) -> None:
        self._datadir = datadir
        self._stack = AsyncExitStack()
        self._server: embedded.Postgres

    @property
    def url(self) -> str:
        return self._server.url()

    async def start(self) -> None:
        self._server = await self._stack.enter_async_context(embedded.postgres(self._datadir))

    async def stop(self) -> None:
        await self._stack.aclose()

    async def kill(self) -> None:
        """As a crash does: kill -9 of the server; its processes notice."""
        os.kill(self._server.pid, signal.SIGKILL)
        with pytest.raises(embedded.Died):
            await self._server.wait()
        await self.stop()

    def freeze(self) -> None:
        """It stays connected and answers nothing, as behind a broken network."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        """The server and its processes, each of which leads a group of its own."""
        pid = self._server.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        for each in [pid, *map(int, children)]:
            os.kill(each, number)
