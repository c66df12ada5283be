"""Frames per second that one fanout process delivers to 1,000 sockets in one room when it never rests."""

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from bench.harness import EPOCH, ROOM, Scale, baseline, fanout, subscribe
from bench.native import Load, ceiling
from bench.report import Row, load_average, thousands
from events import CommentPosted, Record, rfc3339
from events.jetstream import Nats

SOCKETS = 1000
SECONDS = 8.0
WARMUP = 1.0
WINDOW = 64
"""Events published and not yet delivered: enough that fanout never waits, too few to fall back to replay."""
PROGRESS = 5
"""Milliseconds between two looks at how far delivery is."""


async def measure(scale: Scale) -> list[Row]:
    sockets, seconds = scale.sockets(SOCKETS), scale.seconds(SECONDS)
    plain = await of_baseline(sockets, seconds)
    ours, load = await of_fanout(sockets, seconds)
    single = await ceiling(connections=sockets, seconds=scale.seconds(2), warmup=0.2)
    joined = await ceiling(connections=sockets, seconds=scale.seconds(2), warmup=0.2, burst=WINDOW)
    ratio = ours["frames_per_second"] / max(1, plain["frames_per_second"])
    size = len(event(1).data)
    return [
        Row(f"fanout, {sockets:,} sockets, frames/s, events of {size} bytes", rate(ours), "250,000"),
        Row("plain FastAPI `WebSocket`, the same minute", rate(plain)),
        Row("ratio", f"{ratio:.1f}", "6"),
        Row("connections closed by fanout", str(ours["closed"]), "0"),
        Row("CPU of fanout", f"{load:.0%} of a core"),
        Row("the same sockets fed by a C `send()` loop, a frame a write", rate(single)),
        Row(f"the load client's own ceiling: {WINDOW} frames a write", rate(joined)),
        Row("load average of the machine", load_average()),
    ]


def rate(result: dict[str, Any]) -> str:
    return thousands(result["frames_per_second"])


def event(offset: int) -> Record:
    """A comment without what is optional: about 200 bytes, as small as one can be."""
    posted = CommentPosted(
        id=uuid4(),
        room=ROOM,
        offset=offset,
        at=datetime.now(UTC),
        actor="u1",
        comment=uuid4(),
        body=f"t={time.monotonic_ns()}",
    )
    data = posted.model_dump_json(by_alias=True, exclude_none=True).encode()
    return Record("default", ROOM, EPOCH, offset, posted.id, posted.type, rfc3339(posted.at), data)


async def of_fanout(sockets: int, seconds: float) -> tuple[dict[str, Any], float]:
    """What was delivered, and the share of a core that it took."""
    async with fanout() as (system, nats):
        load = await Load.start(
            port=system.port,
            path=system.path(),
            connections=sockets,
            subscribe=subscribe(ROOM),
            greeting=2,
            warmup=WARMUP,
            seconds=seconds,
            progress=PROGRESS,
        )
        before, began = system.process.seconds(), time.monotonic()
        result = await publish_at_the_pace_of(load, nats, sockets)
        return result, (system.process.seconds() - before) / (time.monotonic() - began)


async def publish_at_the_pace_of(load: Load, nats: Nats, sockets: int) -> dict[str, Any]:
    """Publish so that `WINDOW` events are always on their way."""
    acks: list[asyncio.Future[int]] = []
    while (result := await load.progress()) is None:
        while len(acks) - load.frames / sockets < WINDOW:
            acks.append(await nats.publish(event(len(acks) + 1)))
    await asyncio.gather(*acks)
    return result


async def of_baseline(sockets: int, seconds: float) -> dict[str, Any]:
    async with baseline() as system:
        load = await Load.start(
            port=system.port, path="/ws", connections=sockets, warmup=WARMUP, seconds=seconds
        )
        feeding = asyncio.create_task(feed(f"ws://127.0.0.1:{system.port}/feed"))
        result = await load.result()
        feeding.cancel()
        return result


async def feed(url: str) -> None:
    """The same events; the server takes them as fast as it can send them on."""
    with suppress(ConnectionClosed):
        async with connect(url, compression=None) as socket:
            for offset in range(1, 1_000_000):
                data = event(offset).data.decode()
                await socket.send(f'{{"type":"event","room":"{ROOM}","offset":{offset},"event":{data}}}')
