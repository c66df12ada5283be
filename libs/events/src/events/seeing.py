"""The port `LastSeen` over nats-py: the bucket `last_seen`."""

import asyncio
import json
from collections.abc import Mapping

from events import storage, subjects
from events.client import Client
from events.gathering import GOT_ALL, gather
from events.managing import SECONDS, ensure, managing
from events.pipeline import Pipeline
from events.stream import StreamError

_DIRECT_GET = f"$JS.API.DIRECT.GET.{subjects.bucket(subjects.LAST_SEEN_BUCKET)}"


class NatsLastSeen:
    def __init__(self, client: Client, pipeline: Pipeline, *, replicas: int, max_age: float) -> None:
        self._client = client
        self._pipeline = pipeline
        self._replicas = replicas
        self._max_age = max_age

    async def ensure_last_seen(self) -> None:
        async with managing(self._client) as manager:
            await ensure(manager, storage.last_seen(self._replicas, self._max_age))

    async def seen(self, app: str, user: str, value: bytes) -> asyncio.Future[None]:
        return await self._pipeline.publish(_subject(app, user), value)

    async def when_seen(self, app: str, users: list[str]) -> Mapping[str, bytes]:
        """By one direct get of many subjects (ADR-31), which any copy of the bucket answers."""
        wanted = {_subject(app, user): user for user in users}
        if not wanted:
            return {}
        request = json.dumps({"multi_last": list(wanted), "batch": len(wanted)})
        gathered = await gather(self._client, _DIRECT_GET, request.encode(), SECONDS)
        if gathered.status not in GOT_ALL:
            raise StreamError(f"last seen is not known: {gathered.status or 'no answer'}")
        found = [(message.headers or {}, message.data) for message in gathered.messages]
        return {
            wanted[headers["Nats-Subject"]]: data for headers, data in found if "KV-Operation" not in headers
        }


def _subject(app: str, user: str) -> str:
    return subjects.in_bucket(subjects.LAST_SEEN_BUCKET, subjects.last_seen(app, user))
