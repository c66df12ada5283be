"""A whole room loses its connections at once and comes back with `since`, while comments go on."""

import asyncio
import json
import re
import sys
from typing import Any

import httpx

from bench.harness import ROOM, Scale, System, token, up
from bench.processes import start
from bench.report import Row, load_average, thousands

CLIENTS = 5_000
MISSED = 100
"""Comments posted while nobody is there."""
PACED = {"PARLEY_RATE_LIMITS": "on", "PARLEY_RATE_USER": "10000", "PARLEY_RATE_USER_BURST": "10000"}
PACED |= {"PARLEY_RATE_ADDRESS": "100000", "PARLEY_RATE_ADDRESS_BURST": "100000"}
"""New connections are let in at the pace that is the default; other limits are out of the way."""


async def measure(scale: Scale) -> list[Row]:
    rows: list[Row] = []
    for what, ring in (("from memory", "262144"), ("from the log", "0")):
        async with up(**PACED, PARLEY_RING_BYTES=ring) as system:
            rows += await _return(system, scale, what)
    return [*rows, Row("load average of the machine", load_average())]


async def _return(system: System, scale: Scale, what: str) -> list[Row]:
    clients = scale.sockets(CLIENTS)
    options = {"port": system.port, "token": token(), "room": ROOM, "clients": clients, "missed": MISSED}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{system.port}", trust_env=False) as http:
        before = await _asked(http)
        process = await start([sys.executable, "-m", "bench.returning", json.dumps(options)])
        told: dict[str, Any] = json.loads(await process.line())
        asked = await _asked(http) - before
    await asyncio.wait_for(process.child.wait(), 10)
    return [
        Row(
            f"{clients:,} return at once, {MISSED} events missed, {what}: recovered",
            str(told["recovered"]),
            str(clients),
        ),
        Row("recovered per second", thousands(told["per_second"]), "1,000"),
        Row("asked to come later, times", str(told["busy"])),
        Row("events missing or repeated", str(told["wrong"]), "0"),
        Row("requests to comments for pages of the log", str(asked)),
        Row("live events of those already back: p99", f"{told['p99_ms']:.0f} ms", "1,000 ms"),
        Row("the same, max", f"{told['max_ms']:.0f} ms"),
    ]


async def _asked(http: httpx.AsyncClient) -> int:
    found = re.search(r"^parley_pages_asked\S* (\S+)", (await http.get("/metrics")).text, re.MULTILINE)
    return int(float(found[1])) if found else 0
