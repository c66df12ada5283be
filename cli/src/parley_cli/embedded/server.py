"""What the embedded servers have in common: started, awaited until they let us in, and stopped."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from parley_cli.datadir import DataDir
from parley_cli.embedded.children import Child, Program
from parley_cli.embedded.errors import NotReady

Progress = Callable[[str], None]
"""Told one line per step."""

Ready = Callable[[], Awaitable[bool]]
"""Whether the server lets us in now."""

PATIENCE = 60.0
"""Seconds until ready: PostgreSQL replays its log after a crash, at worst 1 GB of it (`max_wal_size`)."""

PAUSE = 0.01
"""Seconds between two looks: a server is ready after 0.03 to 0.1 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server that listens on 127.0.0.1:port."""

    port: int
    child: Child = field(repr=False)

    @property
    def pid(self) -> int:
        return self.child.pid

    async def wait(self) -> None:
        """Wait until it is stopped.

        Raises:
            Died: it ended without `stop`; the message has the last lines of its log.
        """
        await self.child.wait()

    async def stop(self) -> None:
        """Stop it in order before its context ends; a second call does nothing."""
        await self.child.stop()


def silent(line: str) -> None:
    """Tell nobody."""


def tell_of_orphans(progress: Progress, name: str, stopped: bool) -> None:
    if stopped:
        progress(f"{name}: stopped what an earlier start had left running")


@asynccontextmanager
async def running(
    datadir: DataDir, program: Program, ready: Ready, progress: Progress
) -> AsyncIterator[Child]:
    """A program that is ready; stopped at the end.

    Raises:
        Died: it ended before it was ready.
        NotReady: it is not after `PATIENCE` seconds.
    """
    began = time.monotonic()
    child = Child(datadir, program)
    try:
        await _until(ready, child)
        progress(f"{program.name}: ready in {time.monotonic() - began:.2f} s")
        yield child
    finally:
        await child.stop()


async def _until(ready: Ready, child: Child) -> None:
    death = asyncio.ensure_future(child.wait())
    try:
        with anyio.fail_after(PATIENCE):
            while not await ready():
                await asyncio.wait([death], timeout=PAUSE)
                if death.done():
                    death.result()
    except TimeoutError as error:
        raise NotReady(
            f"{child.name} is not ready after {PATIENCE:.0f} s; its logs are in {child.logs}"
        ) from error
    finally:
        death.cancel()
