"""Posts at a fixed rate, and how long each takes to reach every socket of the room."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bench.harness import ROOM, Scale, System, subscribe, token, up
from bench.native import Load, post
from bench.report import Row, latency, load_average, thousands

HOLD = 3600.0
"""Seconds: the client is stopped once everything has arrived."""
PATIENCE = 10.0
"""Seconds that the last frames may take before they count as lost."""
PROGRESS = 50
"""Milliseconds between two looks at how far delivery is."""


@dataclass(frozen=True)
class Delivery:
    sockets: int
    rate: int
    """Posts per second."""
    seconds: float

    @asynccontextmanager
    async def system(self) -> AsyncIterator[System]:
        async with up() as system:
            yield system

    async def run(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What was posted, and what arrived."""
        async with self.system() as system:
            load = await Load.start(
                port=system.port,
                path=system.path(),
                connections=self.sockets,
                subscribe=subscribe(ROOM),
                greeting=2,
                latency=True,
                progress=PROGRESS,
                seconds=HOLD,
            )
            options = {"rate": self.rate, "seconds": self.seconds, "token": token(), "room": ROOM}
            posting = asyncio.create_task(post(port=system.port, **options))
            return await self._collect(load, posting)

    async def _collect(
        self, load: Load, posting: asyncio.Task[dict[str, Any]]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        while not posting.done():
            await load.progress()
        posted = posting.result()
        for _ in range(int(PATIENCE * 1000 / PROGRESS)):
            if load.frames >= posted["created"] * self.sockets:
                break
            await load.progress()
        return posted, await load.stop()


async def measure(scale: Scale, full: Delivery, aim_p50: str, aim_p99: str) -> list[Row]:
    run = Delivery(scale.sockets(full.sockets), full.rate, scale.seconds(full.seconds))
    posted, arrived = await run.run()
    lost = posted["created"] * run.sockets - arrived["frames"]
    return [
        Row(
            f"{run.rate} posts/s to {run.sockets:,} sockets for {run.seconds:g} s: accepted",
            str(posted["created"]),
        ),
        Row("frames delivered/s", thousands(arrived["frames_per_second"])),
        Row("post to delivery, p50", f"{arrived['p50_ms']:.1f} ms", aim_p50),
        Row("post to delivery, p99", f"{arrived['p99_ms']:.1f} ms", aim_p99),
        Row("post to delivery, max", f"{arrived['max_ms']:.0f} ms"),
        Row("post to 201", latency(posted)),
        Row("frames lost", str(lost), "0"),
        Row("connections closed", str(arrived["closed"]), "0"),
        Row("posts refused or not sent in time", str(posted["other"] + posted["unsent"]), "0"),
        Row("load average of the machine", load_average()),
    ]
