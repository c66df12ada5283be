"""Resident memory of the fanout process for each socket that sits in a room and hears nothing."""

from bench.harness import ROOM, Scale, fanout, subscribe
from bench.native import Load
from bench.report import Row

SOCKETS = 8000
HOLD = 3600.0
"""Seconds: the client is stopped as soon as the memory is read."""


async def measure(scale: Scale) -> list[Row]:
    sockets = scale.sockets(SOCKETS)
    async with fanout() as (system, _):
        empty = system.process.memory()
        load = await Load.start(
            port=system.port,
            path=system.path(),
            connections=sockets,
            subscribe=subscribe(ROOM),
            greeting=2,
            seconds=HOLD,
        )
        full = system.process.memory()
        closed = (await load.stop())["closed"]
    return [
        Row(
            f"resident for each of {sockets:,} idle sockets",
            f"{(full - empty) / sockets / 1024:.1f} KB",
            "12 KB",
        ),
        Row("fanout without sockets", f"{empty / 1e6:.0f} MB"),
        Row(f"fanout with {sockets:,}", f"{full / 1e6:.0f} MB"),
        Row("connections closed by fanout", str(closed), "0"),
    ]
