"""What the embedded servers have in common: started, awaited until they let us in, kept, and stopped."""

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from parley_cli.datadir import DataDir
from parley_cli.embedded.children import Child, Program
from parley_cli.embedded.errors import Died, NotReady

Progress = Callable[[str], None]
"""Told one line per step."""

Ready = Callable[[], Awaitable[bool]]
"""Whether the server lets us in now."""

PATIENCE = 60.0
"""Seconds until ready: PostgreSQL replays its log after a crash, at worst 1 GB of it (`max_wal_size`)."""

PAUSE = 0.01
"""Seconds between two looks: a server is ready after 0.03 to 0.1 s."""

LOOK_SECONDS = 5.0
"""Between two looks at whether a running server is well."""

LONGEST_PAUSE = 15.0
"""Seconds between two tries to start again what does not start, as on a full disk."""

log = logging.getLogger(__name__)


async def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server that listens on 127.0.0.1:port."""

    port: int
    child: Child = field(repr=False)
    revive: Callable[[], Awaitable[None]] = field(repr=False)
    """Stop it, if it runs, and start it on the same port and data. Raise `Died` or `NotReady`."""
    ailment: Callable[[], Awaitable[str | None]] = field(default=nothing, repr=False)
    """Why it has to be started again, though it runs."""

    @property
    def pid(self) -> int:
        return self.child.pid

    async def wait(self) -> None:
        """Wait until it is stopped.

        Raises:
            Died: it ended without `stop`; the message has the last lines of its log.
        """
        await self.child.wait()

    async def keep(self) -> None:
        """Start it again whenever it ends or ails, for as long as it takes, until it is stopped.

        The log says why, and when it runs again.
        """
        while (reason := await self._trouble()) is not None:
            log.error("%s", reason)
            await self._start_again()

    async def stop(self) -> None:
        """Stop it in order before its context ends; a second call does nothing."""
        await self.child.stop()

    async def _trouble(self) -> str | None:
        """Why it has to be started again; `None` if it was stopped."""
        end = asyncio.ensure_future(self.child.wait())
        try:
            while not end.done():
                await asyncio.wait([end], timeout=LOOK_SECONDS)
                if not end.done() and (ailment := await self.ailment()) is not None:
                    return ailment
            end.result()
        except Died as death:
            return str(death)
        finally:
            end.cancel()
        return None

    async def _start_again(self) -> None:
        for attempt in itertools.count():
            try:
                await self.revive()
            except (Died, NotReady) as failure:
                pause = min(2.0**attempt, LONGEST_PAUSE)
                why = "" if attempt else f": {failure}"
                log.warning("%s does not start, next try in %g s%s", self.child.name, pause, why)
                await asyncio.sleep(pause)
            else:
                log.warning("%s runs again", self.child.name)
                return


def silent(line: str) -> None:
    """Tell nobody."""


def tell_of_orphans(progress: Progress, name: str, stopped: bool) -> None:
    if stopped:
        progress(f"{name}: stopped what an earlier start had left running")


@dataclass(frozen=True, slots=True)
class Running:
    """A program that was ready; `revive` is what `Server.revive` says."""

    child: Child
    revive: Callable[[], Awaitable[None]]


@asynccontextmanager
async def running(
    datadir: DataDir,
    program: Program,
    ready: Ready,
    progress: Progress,
    clear: Callable[[], Awaitable[object]] = nothing,
) -> AsyncIterator[Running]:
    """A program that is ready; stopped at the end. `clear` takes away what hinders another start.

    Raises:
        Died: it ended before it was ready.
        NotReady: it is not after `PATIENCE` seconds.
    """
    began = time.monotonic()
    child = Child(datadir, program)

    async def revive() -> None:
        await child.stop()
        await clear()
        child.start()
        await _until(ready, child)

    try:
        await _until(ready, child)
        progress(f"{program.name}: ready in {time.monotonic() - began:.2f} s")
        yield Running(child, revive)
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
