"""The command's way to have the stream compared with the log and filled, while the system runs or not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from comments import marks, outbox
from comments.database import Pool
from comments.marks import Executes
from comments.partitions import Partitions, present
from comments.postgres import PARTITIONS
from comments.relay import Relay
from comments.upkeep import Upkeep
from events import Contents
from events.jetstream import Nats

Progress = Callable[[int, int], None]
"""Told how many events are published again, and how many are known to have been lost."""

ALL: Final = range(PARTITIONS)

LOOK_SECONDS = 0.5
"""Between two looks at how far it is."""


class Unfinished(Exception):
    """Nothing moves any more; what remains is published when the servers let it."""


async def doubt(connection: Executes) -> None:
    """Have every partition compared with the stream by its owner, within a sweep; or by the next owner."""
    await marks.doubt(connection, ALL)


async def refill(
    url: str,
    pool: Pool,
    nats: Nats,
    progress: Progress,
    *,
    replicas: int = 1,
    afresh: bool = False,
    patience: float = 60.0,
) -> int:
    """Have the stream compared with the log; return how many events were published again.

    The relays that run do it. Where none does, one runs here until it is done. `afresh` first removes what
    the stream holds of the log's apps. Raise `Unfinished` if nothing moves for `patience` seconds,
    `StreamError`, `OSError` or an asyncpg error when a server is away.
    """
    contents = nats.contents(replicas=replicas)
    await contents.ensure_stream()
    if afresh:
        await _remove(pool, contents)
    await doubt(pool)
    async with AsyncExitStack() as stack:
        if not await present(pool):
            await stack.enter_async_context(_relaying(url, pool, nats, contents))
        return await _finished(pool, progress, patience)


async def _finished(pool: Pool, progress: Progress, patience: float) -> int:
    clock = asyncio.get_running_loop().time
    before, moved = None, clock()
    while True:
        doubted, lost = await marks.progress(pool, ALL)
        waiting = await outbox.refilling(pool)
        progress(max(0, lost - waiting), lost)
        if not doubted and not waiting:
            return lost
        if (doubted, lost, waiting) != before:
            before, moved = (doubted, lost, waiting), clock()
        elif clock() > moved + patience:
            raise Unfinished(f"{waiting} events wait, {doubted} of {PARTITIONS} partitions are not compared")
        await asyncio.sleep(LOOK_SECONDS)


async def _remove(pool: Pool, contents: Contents) -> None:
    for row in await pool.fetch("select distinct app from comments.rooms"):
        await contents.remove(row["app"])


@asynccontextmanager
async def _relaying(url: str, pool: Pool, nats: Nats, contents: Contents) -> AsyncIterator[None]:
    partitions = Partitions(url)
    relay = Relay(pool, partitions, nats, nats, Upkeep(pool, contents), sweep=LOOK_SECONDS)
    running = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])
        await partitions.close()
        if not running.cancelled():
            running.result()
