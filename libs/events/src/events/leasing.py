"""The port `Leases` over nats-py: keys of the bucket `presence`, each with a time to live of its own.

See ADR-43 and ADR-48 of nats-architecture-and-design.
"""

import asyncio

from nats.js.api import RawStreamMsg

from events import storage, subjects
from events.client import Client
from events.leases import LeaseWatcher
from events.managing import ensure, found, managing
from events.pipeline import Pipeline
from events.stream import Rejected, Stop
from events.watching import STREAM, Watch

TRIES = 3
"""To take the lead, while it changes hands or the marker of the last one expires."""

_ENDED = {"KV-Operation": "DEL", "Nats-TTL": f"{storage.MARKER_SECONDS:.0f}"}

_EXPECTED = "Nats-Expected-Last-Subject-Sequence"


class NatsLeases:
    def __init__(self, client: Client, pipeline: Pipeline, *, replicas: int, fresh: float, most: int) -> None:
        self._client = client
        self._pipeline = pipeline
        self._bucket = storage.presence(replicas, most)
        self._fresh = fresh
        self._watches: list[Watch] = []

    async def ensure_leases(self) -> None:
        async with managing(self._client) as manager:
            await ensure(manager, self._bucket)

    async def extend(self, key: str, value: bytes, ttl: float) -> asyncio.Future[None]:
        return await self._put(key, value, {"Nats-TTL": str(int(ttl))})

    async def end(self, key: str) -> asyncio.Future[None]:
        return await self._put(key, b"", _ENDED)

    async def watch_leases(self, app: str, watcher: LeaseWatcher) -> Stop:
        watch = Watch(self._client, app, watcher, bucket=self._bucket, fresh=self._fresh)
        self._watches.append(watch)
        running = asyncio.create_task(watch.run())

        async def stop() -> None:
            self._watches.remove(watch)
            running.cancel()
            await asyncio.wait([running])

        return stop

    async def take_lead(self, app: str, holder: str, ttl: float) -> bool:
        """By compare-and-set; whom the sequence of a marker was compared with tries again."""
        key, wanted = subjects.lead(app), holder.encode()
        for left in reversed(range(TRIES)):
            last = await self._last(key)
            if last is not None and not _is_marker(last) and last.data != wanted:
                return False
            headers = {"Nats-TTL": str(int(ttl)), _EXPECTED: str(last.seq if last else 0)}
            try:
                await (await self._put(key, wanted, headers))
            except Rejected:
                if not left:
                    raise
            else:
                return True
        return False

    async def leave_lead(self, app: str, holder: str) -> None:
        last = await self._last(subjects.lead(app))
        if last is not None and last.data == holder.encode():
            try:
                await (await self._put(subjects.lead(app), b"", {**_ENDED, _EXPECTED: str(last.seq)}))
            except Rejected:
                return  # it was lost meanwhile

    def disconnected(self) -> None:
        for watch in self._watches:
            watch.disconnected()

    async def _put(self, key: str, value: bytes, headers: dict[str, str]) -> asyncio.Future[None]:
        return await self._pipeline.publish(subjects.in_bucket(subjects.PRESENCE_BUCKET, key), value, headers)

    async def _last(self, key: str) -> RawStreamMsg | None:
        """Asked of the leader, as a copy that lags may have another holder."""
        async with managing(self._client) as manager:
            subject = subjects.in_bucket(subjects.PRESENCE_BUCKET, key)
            return await found(manager, STREAM, subject=subject)


def _is_marker(message: RawStreamMsg) -> bool:
    headers = message.headers or {}
    return "KV-Operation" in headers or "Nats-Marker-Reason" in headers
