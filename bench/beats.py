"""Heartbeats at a fixed rate, written to NATS as bytes that were made before: they cost little here."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from events import subjects
from events.presence import Lease
from parley_cli import embedded

TICK = 0.02
"""Seconds between two writes."""
ROOMS = 1000
"""Over which the connections are spread."""


def beats(app: str, count: int, ttl: int) -> Sequence[bytes]:
    """A publish for each of so many connections, each of another user."""
    since = datetime.now(UTC)
    return [_beat(app, number, ttl, since) for number in range(count)]


def _beat(app: str, number: int, ttl: int, since: datetime) -> bytes:
    user = f"user-{number}"
    key = subjects.lease(app, user, f"c0123abcd{number}")
    value = Lease(user=user, name=f"User {number}", rooms=[f"room-{number % ROOMS}"], since=since).encode()
    headers = b"NATS/1.0\r\nNats-TTL: %d\r\n\r\n" % ttl
    subject = subjects.in_bucket(subjects.PRESENCE_BUCKET, key).encode()
    sizes = len(headers), len(headers) + len(value)
    return b"HPUB %b %d %d\r\n%b%b\r\n" % (subject, *sizes, headers, value)


class Drum:
    """A connection to NATS that only writes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._reading = asyncio.create_task(self._read(reader))

    @classmethod
    async def connect(cls, server: embedded.Nats) -> "Drum":
        place = urlsplit(server.url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        login = {"verbose": False, "headers": True, "user": server.user, "pass": server.password}
        writer.write(b"CONNECT %b\r\n" % json.dumps(login).encode())
        return cls(reader, writer)

    async def beat(self, beats: Sequence[bytes], interval: float, seconds: float) -> int:
        """Write all of them once an interval, evenly, for so long; how many that were."""
        loop = asyncio.get_running_loop()
        began, written = loop.time(), 0
        while (passed := loop.time() - began) < seconds:
            due = int(passed / interval * len(beats))
            self._writer.write(b"".join([beats[number % len(beats)] for number in range(written, due)]))
            written = due
            await self._writer.drain()
            await asyncio.sleep(TICK)
        return written

    async def close(self) -> None:
        self._reading.cancel()
        self._writer.close()
        await self._writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            if line.startswith(b"PING"):
                self._writer.write(b"PONG\r\n")
            elif line.startswith(b"-ERR"):
                raise SystemExit(f"NATS refuses the heartbeats: {line.decode().strip()}")
