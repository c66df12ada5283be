"""Push services as one process: `PYTHONPATH=tests python -m bench.provider COUNT PLATFORM …`.

It prints one line of JSON: the settings with which notifier sends there, and what COUNT devices of each
platform register. Then it answers each line of its input, a number, once so many pushes have come. It ends
with its input.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop
from certificates import Authority
from fakeapns import FakeApns
from fakefcm import FakeFcm
from fakewebpush import FakeWebPush
from pushservice import Arrival

from notifier.vapid import Key


class Arrivals(list[Arrival]):
    """Counted and forgotten; shared by all services."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0
        self.ids: set[str] = set()
        self.last = 0.0
        """When it came, in seconds of the machine's monotonic clock, which its processes share."""
        self._came = asyncio.Event()

    def append(self, arrival: Arrival) -> None:
        self.total += 1
        self.ids.add(arrival.id)
        self.last = time.monotonic()
        self._came.set()

    async def until(self, count: int) -> None:
        while self.total < count:
            self._came.clear()
            await self._came.wait()


@dataclass
class Platform:
    settings: Mapping[str, str]
    registrations: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of `PUT /v1/devices/{id}`."""


Serving = Callable[[Authority, Path, Arrivals, int], AbstractAsyncContextManager[Platform]]


@asynccontextmanager
async def apns(
    authority: Authority, directory: Path, arrivals: Arrivals, count: int
) -> AsyncIterator[Platform]:
    async with FakeApns.serve(authority) as fake:
        fake.arrivals = arrivals
        key = directory / "apns.p8"
        key.write_text(fake.key_pem)
        settings = {
            "PARLEY_APNS_URL": fake.url,
            "PARLEY_APNS_KEY_FILE": str(key),
            "PARLEY_APNS_KEY_ID": fake.account.key_id,
            "PARLEY_APNS_TEAM_ID": fake.account.team_id,
            "PARLEY_APNS_TOPIC": fake.account.topic,
        }
        yield Platform(settings, [_token("apns", each.address) for each in fake.devices(count)])


@asynccontextmanager
async def fcm(
    authority: Authority, directory: Path, arrivals: Arrivals, count: int
) -> AsyncIterator[Platform]:
    async with FakeFcm.serve(authority) as fake:
        fake.arrivals = arrivals
        credentials = directory / "fcm.json"
        credentials.write_text(json.dumps(fake.account))
        settings = {"PARLEY_FCM_URL": fake.url, "PARLEY_FCM_CREDENTIALS_FILE": str(credentials)}
        yield Platform(settings, [_token("fcm", each.address) for each in fake.devices(count)])


@asynccontextmanager
async def webpush(
    authority: Authority, directory: Path, arrivals: Arrivals, count: int
) -> AsyncIterator[Platform]:
    async with FakeWebPush.serve(authority) as fake:
        fake.arrivals = arrivals
        key = directory / "vapid.pem"
        key.write_bytes(Key.new().pem)
        settings = {
            "PARLEY_WEBPUSH_KEY_FILE": str(key),
            "PARLEY_WEBPUSH_SERVICES": "*",
            "PARLEY_WEBPUSH_PRIVATE": "allow",
        }
        browsers = (fake.browser() for _ in range(count))
        yield Platform(
            settings, [{"platform": "webpush", "subscription": each.subscription} for each in browsers]
        )


SERVING: dict[str, Serving] = {"apns": apns, "fcm": fcm, "webpush": webpush}


def _token(platform: str, token: str) -> dict[str, Any]:
    return {"platform": platform, "token": token}


async def main(count: int, names: list[str]) -> None:
    loop, arrivals, authority = asyncio.get_running_loop(), Arrivals(), Authority()
    with TemporaryDirectory() as directory:
        ca_file = authority.ca_pem_file(Path(directory))
        async with AsyncExitStack() as stack:
            platforms = [
                await stack.enter_async_context(SERVING[name](authority, Path(directory), arrivals, count))
                for name in names
            ]
            settings = {"PARLEY_PUSH_CA_FILE": str(ca_file)}
            for platform in platforms:
                settings |= platform.settings
            registrations = [platform.registrations for platform in platforms]
            print(json.dumps({"settings": settings, "registrations": registrations}), flush=True)
            while line := await loop.run_in_executor(None, sys.stdin.readline):
                await arrivals.until(int(line))
                told = {"count": arrivals.total, "ids": len(arrivals.ids), "last": arrivals.last}
                print(json.dumps(told), flush=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2:]))
