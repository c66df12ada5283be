"""From a comment to a provider that has taken 1,000 pushes, and the memory of the process that sends them."""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Self

import httpx

import bench
from bench.harness import ROOM, Scale, System, service, token
from bench.report import Row, load_average
from parley_cli import embedded
from parley_cli.datadir import DataDir

NAMES = {"apns": "APNs", "fcm": "FCM", "webpush": "Web Push"}
TESTS = Path(bench.__file__).parents[1] / "tests"
"""Where the fakes of the push services are."""
MEMBERS = 1_000
TURNS = 3
PUSHES = 100_000
SAMPLES = 10
AT_ONCE = 50
"""Requests that prepare a run."""
PATIENCE = 120.0
"""Seconds until the last push of a comment must have come."""
AUTHOR = "author"
TOLD = {"PARLEY_PUSH_DELAY": "0", "PARLEY_PUSH_INTERVAL": "0", "PARLEY_LOG_LEVEL": "error"}
REST = 2.0
"""Seconds in which a push that is handed over a second time would come."""


async def measure(scale: Scale) -> list[Row]:
    members = scale.sockets(MEMBERS)
    rows: list[Row] = []
    for platform in NAMES:
        rows += await _handed_over(members, platform)
    pushes = members * SAMPLES if scale.smoke else PUSHES
    return [*rows, *await _memory(members, pushes), Row("load average of the machine", load_average())]


class Provider:
    """The push services, in a process of their own."""

    def __init__(self, child: asyncio.subprocess.Process, told: dict[str, Any]) -> None:
        self._child = child
        self.settings: dict[str, str] = told["settings"]
        self.registrations: list[list[dict[str, Any]]] = told["registrations"]
        """Of each platform so many devices."""

    @classmethod
    @asynccontextmanager
    async def running(cls, devices: int, *platforms: str) -> AsyncIterator[Self]:
        child = await asyncio.create_subprocess_exec(
            *[sys.executable, "-m", "bench.provider", str(devices), *platforms],
            stdin=PIPE,
            stdout=PIPE,
            limit=1 << 26,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
        )
        try:
            yield cls(child, await _line(child))
        finally:
            assert child.stdin is not None
            child.stdin.close()
            await child.wait()

    async def until(self, count: int) -> dict[str, Any]:
        """What has come, once it is so many pushes since the start. Raise `SystemExit` if that is late."""
        assert self._child.stdin is not None
        self._child.stdin.write(b"%d\n" % count)
        try:
            async with asyncio.timeout(PATIENCE):
                return await _line(self._child)
        except TimeoutError:
            raise SystemExit(f"{count:,} pushes did not come within {PATIENCE:g} s") from None


async def _line(child: asyncio.subprocess.Process) -> dict[str, Any]:
    assert child.stdout is not None
    line = await child.stdout.readline()
    if not line:
        raise SystemExit("the push services ended: see above")
    told: dict[str, Any] = json.loads(line)
    return told


@dataclass
class Installation:
    """One process of notifier, of comments and of presence; a room whose members are not here."""

    http: httpx.AsyncClient
    comments: System
    notifier: System
    provider: Provider
    members: int
    sent: int = 0

    async def settle(self) -> None:
        """Everybody joins and registers one device, of each platform in turn."""
        people = [f"user-{number}" for number in range(self.members)]
        platforms = cycle(self.provider.registrations)
        bodies = [next(platforms)[number] for number in range(self.members)]
        gate = asyncio.Semaphore(AT_ONCE)

        async def enter(user: str, registration: dict[str, Any]) -> None:
            async with gate:
                await self._ask(self.comments, AUTHOR, "POST", f"/v1/rooms/{ROOM}/members", {"user": user})
                await self._ask(self.notifier, user, "PUT", f"/v1/devices/{user}", registration)

        async with asyncio.TaskGroup() as group:
            for user, registration in zip(people, bodies, strict=True):
                group.create_task(enter(user, registration))

    async def turn(self) -> float:
        """Seconds from the answer to a comment until a push to everybody has come."""
        await self._ask(self.comments, AUTHOR, "POST", f"/v1/rooms/{ROOM}/comments", {"body": "Hello, room!"})
        accepted = time.monotonic()
        self.sent += self.members
        last: float = (await self.provider.until(self.sent))["last"]
        return last - accepted

    async def repeated(self) -> int:
        """Pushes that came more than once."""
        await asyncio.sleep(REST)
        told = await self.provider.until(self.sent)
        return int(told["count"]) - int(told["ids"])

    async def _ask(self, system: System, user: str, method: str, path: str, body: object) -> None:
        url, headers = f"http://127.0.0.1:{system.port}{path}", {"Authorization": f"Bearer {token(user)}"}
        answer = await self.http.request(method, url, json=body, headers=headers)
        if not answer.is_success:
            raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text[:200]}")


@asynccontextmanager
async def _installed(members: int, *platforms: str) -> AsyncIterator[Installation]:
    with tempfile.TemporaryDirectory() as data, DataDir(Path(data)) as datadir:
        async with (
            Provider.running(members, *platforms) as provider,
            embedded.postgres(datadir) as postgres,
            embedded.nats(datadir) as nats,
            service("comments", nats, PARLEY_DATABASE_URL=postgres.url()) as comments,
            service("presence", nats),
            service(
                "notifier",
                nats,
                PARLEY_DATABASE_URL=postgres.url(),
                **TOLD,
                **provider.settings,
            ) as notifier,
            httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as http,
        ):
            installation = Installation(http, comments, notifier, provider, members)
            await installation.settle()
            yield installation


async def _handed_over(members: int, platform: str) -> list[Row]:
    async with _installed(members, platform) as installation:
        await installation.turn()  # opens connections, and hears of everybody who joined
        times = [await installation.turn() for _ in range(TURNS)]
        repeated = await installation.repeated()
    what = f"{NAMES[platform]}: from 201 until {members:,} pushes were handed over"
    return [
        Row(f"{what}: median of {TURNS}", f"{statistics.median(times):.2f} s", "3 s"),
        Row("the same, slowest", f"{max(times):.2f} s"),
        Row("handed over more than once", str(repeated), "0"),
    ]


async def _memory(members: int, pushes: int) -> list[Row]:
    """Of all platforms at once; after each tenth of the pushes."""
    each = pushes // SAMPLES
    rows: list[Row] = []
    async with _installed(members, *NAMES) as installation:
        sizes = [installation.notifier.process.memory()]
        for sample in range(1, SAMPLES + 1):
            while installation.sent < sample * each:
                await installation.turn()
            sizes.append(installation.notifier.process.memory())
            rows.append(Row(f"notifier after {installation.sent:,} pushes", f"{sizes[-1] / 1e6:.0f} MB"))
        repeated = await installation.repeated()
    return [
        Row("notifier before its first push", f"{sizes[0] / 1e6:.0f} MB"),
        *rows,
        Row("growth after the first of these", f"{(sizes[-1] - sizes[1]) / 1e6:+.1f} MB", "none"),
        Row("handed over more than once", str(repeated), "0"),
    ]
