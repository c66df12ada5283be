"""How many heartbeats fanout can send and presence can hear, and how long the killed are still seen."""

import asyncio
import json
import os
import re
import signal
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import httpx
from websockets.asyncio.client import ClientConnection, connect

from bench.beats import Drum, beats
from bench.harness import ROOM, STARTING, Scale, System, empty_log, nats_server, service, subscribe, token
from bench.report import Row, load_average, thousands
from events import subjects
from events.jetstream import Nats
from events.presence import Lease, Left
from fanout.heartbeats import Heartbeats

APP = "default"
RATES = (5_000, 10_000, 20_000, 30_000, 40_000)
TTL, INTERVAL = 6, 2
"""Seconds; shorter than in operation, so that a rate needs fewer connections."""
SECONDS = 20.0
PROBE = "probe"
PROBE_SECONDS = 0.25
LATE = 1.0
"""Seconds after which presence has fallen behind."""
CONNECTIONS = 50_000
PEOPLE = 100
DEFAULTS = {"PARLEY_PRESENCE_TTL": "30", "PARLEY_HEARTBEAT_SECONDS": "10"}
SHORT = {"PARLEY_PRESENCE_TTL": "2", "PARLEY_HEARTBEAT_SECONDS": "0.5"}


async def measure(scale: Scale) -> list[Row]:
    rows = await _sent(scale)
    for rate in (500,) if scale.smoke else RATES:
        heard = await _heard(rate, scale.seconds(SECONDS))
        rows += heard.rows()
        if not heard.in_time:
            break
    return [*rows, *await _killed(scale), Row("load average of the machine", load_average())]


# What fanout can send


async def _sent(scale: Scale) -> list[Row]:
    """All connections of a full process begin at once, as after an outage."""
    count = scale.sockets(CONNECTIONS)
    async with nats_server() as (_, nats):
        leases = nats.leases()
        await leases.ensure_leases()
        heartbeats = Heartbeats(leases, APP, ttl=30, interval=10)
        running = asyncio.create_task(heartbeats.run())
        for number in range(count):
            heartbeats.hold(f"c{number}", _lease(f"user-{number}", ROOM))
        began, used = time.perf_counter(), time.process_time()
        while heartbeats.figures.beats < count:
            await asyncio.sleep(0.01)
        seconds, used = time.perf_counter() - began, time.process_time() - used
        await heartbeats.close()
        running.cancel()
    return [
        Row(f"fanout: {count:,} leases sent and confirmed at once", f"{seconds:.1f} s"),
        Row("heartbeats/s sent and confirmed", thousands(count / seconds), "20,000"),
        Row("CPU of a heartbeat", f"{used / count * 1e6:.0f} µs"),
    ]


def _lease(user: str, room: str) -> Lease:
    return Lease(user=user, name="User Name", rooms=[room], since=datetime.now(UTC))


# What presence can hear


@dataclass
class Heard:
    rate: int
    sent: int = 0
    heard: int = 0
    """By presence."""
    cpu: float = 0.0
    """Of presence, of one core."""
    left: int = 0
    """Users who were said to have left, though their leases were extended."""
    probes: int = 0
    lags: list[float] = field(default_factory=list)
    """Seconds from the begin of a probe's lease to `joined`."""

    @property
    def in_time(self) -> bool:
        return self.heard == self.sent and not self.left and max(self.lags, default=LATE) < LATE

    def rows(self) -> list[Row]:
        lags = sorted(self.lags) or [float("nan")]
        return [
            Row(
                f"presence: {thousands(self.rate)} heartbeats/s, heard of sent",
                f"{self.heard:,} of {self.sent:,}",
            ),
            Row("from the begin of a lease to `joined`: p50", f"{lags[len(lags) // 2] * 1000:.0f} ms"),
            Row("the same, max", f"{lags[-1] * 1000:.0f} ms", f"{LATE * 1000:.0f} ms"),
            Row("users wrongly said to have left", str(self.left), "0"),
            Row("presence's share of a core", f"{self.cpu:.0%}"),
        ]


async def _heard(rate: int, seconds: float) -> Heard:
    heard, told = Heard(rate), {"PARLEY_HEARTBEAT_SECONDS": str(INTERVAL)}
    async with nats_server() as (server, nats), service("presence", server, **told) as system:
        metrics = Metrics(system)
        drum, connections = await Drum.connect(server), beats(APP, rate * INTERVAL, TTL)
        await drum.beat(connections, INTERVAL, INTERVAL)
        beating = asyncio.create_task(drum.beat(connections, INTERVAL, 3600))
        await metrics.until("held", 0)
        await metrics.until("connections", len(connections))
        beating.cancel()
        stop = await nats.listen(subjects.presence_of(APP), partial(_note_departures, heard))
        await asyncio.sleep(LATE)
        before, used, begun = await metrics.read("heartbeats"), system.process.seconds(), time.monotonic()
        probing = asyncio.create_task(_probe(nats, heard))
        heard.sent = await drum.beat(connections, INTERVAL, seconds)
        probing.cancel()
        heard.cpu = (system.process.seconds() - used) / (time.monotonic() - begun)
        await asyncio.sleep(LATE)
        heard.heard = await metrics.read("heartbeats") - before - heard.probes
        await stop()
        await drum.close()
    return heard


def _note_departures(heard: Heard, subject: str, payload: bytes) -> None:
    if subjects.parts(subject)[1:] != (PROBE, "left") and subject.endswith(".left"):
        heard.left += len(Left.decode(payload).users)


async def _probe(nats: Nats, heard: Heard) -> None:
    """Somebody new in a room of its own, again and again."""
    leases, came = nats.leases(), asyncio.Queue[float]()
    stop = await nats.listen(
        subjects.presence(APP, PROBE, "joined"), lambda *_: came.put_nowait(time.monotonic())
    )
    try:
        while True:
            lease = _lease(f"probe-{heard.probes}", PROBE)
            began = time.monotonic()
            heard.probes += 1
            await (await leases.extend(subjects.lease(APP, lease.user, "c1"), lease.encode(), TTL))
            heard.lags.append(await came.get() - began)
            await asyncio.sleep(PROBE_SECONDS)
    finally:
        await stop()


# How long the killed are still seen


async def _killed(scale: Scale) -> list[Row]:
    told, count = (SHORT if scale.smoke else DEFAULTS), scale.sockets(PEOPLE)
    gone: dict[str, float] = {}
    async with nats_server() as (server, nats), service("presence", server, **told) as presence:
        await nats.ensure_stream()
        await nats.serve(subjects.REPLAY, "comments", empty_log)
        await nats.listen(
            subjects.presence(APP, ROOM, "left"),
            lambda _, left: gone.update(dict.fromkeys(Left.decode(left).users, time.monotonic())),
        )
        async with service("fanout", server, **told) as system:
            sockets = [await _join(system, f"u{number}") for number in range(count)]
            await Metrics(presence).until("users", count)
            await Metrics(presence).until("held", 0)
            os.kill(system.process.child.pid, signal.SIGKILL)
            killed = time.monotonic()
            while len(gone) < count:
                await asyncio.sleep(0.01)
        await asyncio.gather(*(socket.close() for socket in sockets))
    times = [at - killed for at in gone.values()]
    ttl = int(told["PARLEY_PRESENCE_TTL"])
    return [
        Row(f"kill -9 of a fanout with {count} people to `left` of the first", f"{min(times):.1f} s"),
        Row(f"the same, of the last (time to live {ttl} s)", f"{max(times):.1f} s", f"{ttl + 1} s"),
    ]


async def _join(system: System, user: str) -> ClientConnection:
    socket = await connect(f"ws://127.0.0.1:{system.port}/v1/ws?token={token(user)}", proxy=None)
    await socket.send(subscribe(ROOM))
    while json.loads(await socket.recv())["type"] != "subscribed":
        pass
    return socket


class Metrics:
    """What presence says of itself."""

    def __init__(self, system: System) -> None:
        self._url = f"http://127.0.0.1:{system.port}/metrics"

    async def read(self, name: str) -> int:
        async with httpx.AsyncClient(trust_env=False) as http:
            text = (await http.get(self._url)).text
        found = re.search(rf"^parley_presence_{name}\S* (\S+)", text, re.MULTILINE)
        if found is None:
            raise SystemExit(f"presence does not say how many {name} it has")
        return int(float(found[1]))

    async def until(self, name: str, value: int) -> None:
        async with asyncio.timeout(STARTING):
            while await self.read(name) != value:
                await asyncio.sleep(0.1)
