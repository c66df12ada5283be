"""What the operator's commands do: on the system that they found, with progress shown."""

import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, TypeVar

from chassis import logs
from comments import rebuild as rebuilding
from comments import refill as refilling
from comments import restore
from comments import verify as verifying
from comments.database import connect as connect_database
from comments.findings import Findings
from comments.rebuild import Rebuilt
from comments.refill import Unfinished
from comments.restore import Standing
from comments.verify import Verified
from events.jetstream import Nats
from events.jetstream import connect as connect_nats
from events.reading import reading
from parley_cli.progress import Progress
from parley_cli.system import System, Unreachable, run, system_of

NAME = "parley operations"

T = TypeVar("T")


def system(path: Path) -> System:
    """Raise `Failed`."""
    logs.configure("error", "console")
    return system_of(path)


def verify(system: System, most: int) -> tuple[Verified, Findings]:
    """Raise `Unreachable`."""
    findings = Findings(most)

    async def work(progress: Progress) -> Verified:
        async with reading(system.nats_url, **system.nats_login) as stream:
            return await verifying.verify(system.database_url, stream, system.app, findings, progress)

    return _shown(system, work), findings


def rebuild(system: System, room: str | None) -> Rebuilt:
    """Every room of the database, or one of the app. Raise `Unreachable`."""
    app = system.app if room is not None else None

    async def work(progress: Progress) -> Rebuilt:
        return await rebuilding.rebuild(system.database_url, progress, app, room)

    return _shown(system, work)


def standing(system: System) -> Standing:
    """Raise `Unreachable`."""
    return run(system, restore.standing(system.database_url))


def begin_epoch(system: System, before: Standing) -> str:
    """Raise `Unreachable`: then nothing was changed, unless NATS went away in the middle."""

    async def work() -> str:
        async with _nats(system) as nats:
            epoch = await restore.begin_epoch(system.database_url)
            await restore.tell(nats, sorted({*before.apps, system.app}), epoch)
            return epoch

    return run(system, work())


def refill(system: System, *, afresh: bool) -> int:
    """How many events were published again. Raise `Unreachable`."""

    async def work(progress: Progress) -> int:
        pool = await connect_database(system.database_url, size=4, timeout=30)
        try:
            async with _nats(system) as nats:
                return await refilling.refill(
                    system.database_url,
                    pool,
                    nats,
                    lambda done, total: progress("filling the stream", done, total),
                    replicas=system.replicas,
                    afresh=afresh,
                )
        except Unfinished as reason:
            raise Unreachable(f"{reason}: the relays go on by themselves once they can") from reason
        finally:
            await pool.close()

    return _shown(system, work)


@asynccontextmanager
async def _nats(system: System) -> AsyncIterator[Nats]:
    async with connect_nats(system.nats_url, **system.nats_login, name=NAME) as nats:
        yield nats


def _shown(system: System, work: Callable[[Progress], Coroutine[Any, Any, T]]) -> T:
    with closing(Progress(sys.stderr)) as progress:
        return run(system, work(progress))
