"""Others, whom a hostile client must not disturb, and what it may cost."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from processes import Cluster, Process, token

import parley


def memory(process: Process) -> int:
    """Resident bytes."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


@asynccontextmanager
async def conversation(services: Cluster) -> AsyncIterator[parley.Subscription]:
    """Somebody posts all the while; somebody else reads it."""

    async def talk(poster: parley.Client) -> None:
        while True:
            await poster.post("lobby", "still here")

    async with (
        parley.Client(services.comments[0].url, token("ann")) as poster,
        parley.Client(services.fanouts[0].url, token("bob")) as reader,
        reader.subscribe("lobby") as seen,
    ):
        talking = asyncio.create_task(talk(poster))
        try:
            yield seen
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)


async def heard(seen: parley.Subscription, count: int) -> None:
    async with asyncio.timeout(30):
        for _ in range(count):
            assert isinstance(await anext(seen), parley.Event)
