"""The port `ReceiptStream` over nats-py: the stream RECEIPTS, taken from by pulling."""

import asyncio
import json
from collections.abc import Sequence

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig

from events import storage, subjects
from events.client import Client, describe
from events.delivery import delivery
from events.gathering import Gathered, gather
from events.managing import SECONDS, ensure, managing
from events.pipeline import Pipeline
from events.receipts import Taken
from events.stream import StreamError

UNCONFIRMED = 100_000
"""Messages that may be taken and not confirmed; beyond it nothing more is given."""

_NONE = ("404", "408")
"""Statuses that say that there are none, or none came in time."""

_NOBODY = "503"
"""The status of a request that no consumer listens to."""


class NatsReceipts:
    def __init__(self, client: Client, pipeline: Pipeline) -> None:
        self._client = client
        self._pipeline = pipeline

    async def ensure_receipts(self, *, replicas: int = 1) -> None:
        async with managing(self._client) as manager:
            await ensure(manager, storage.receipts(replicas))

    async def publish_receipts(self, app: str, room: str, data: bytes) -> asyncio.Future[None]:
        return await self._pipeline.publish(subjects.receipts(app, room), data)

    async def take_receipts(self, app: str, durable: str, most: int, wait: float) -> Sequence[Taken]:
        gathered = await self._pull(durable, most, wait)
        if gathered.status == _NOBODY:
            await self._make(app, durable)
            gathered = await self._pull(durable, most, wait)
        if not gathered.messages and gathered.status not in _NONE:
            raise StreamError(f"no receipts are to be had: {gathered.status or 'no answer'}")
        return [_taken(message) for message in gathered.messages]

    async def confirm_receipts(self, taken: Sequence[Taken]) -> None:
        if not self._client.is_connected:
            raise StreamError("not connected to NATS")
        try:
            for each in taken:
                await self._client.publish(each.reply, b"+ACK")
        except NatsError as error:
            raise StreamError(describe(error)) from error

    async def _pull(self, durable: str, most: int, wait: float) -> Gathered:
        """Both options together mean: wait for the first one, and do not wait for more.

        A full batch ends without a status.
        """
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{subjects.RECEIPTS_STREAM}.{durable}"
        request = {"batch": most, "no_wait": True, "expires": max(1, int(wait * 1e9))}
        return await gather(self._client, subject, json.dumps(request).encode(), wait + SECONDS, most=most)

    async def _make(self, app: str, durable: str) -> None:
        config = ConsumerConfig(
            durable_name=durable,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=storage.CONFIRM_SECONDS,
            max_ack_pending=UNCONFIRMED,
            filter_subject=subjects.receipts_of(app),
        )
        async with managing(self._client) as manager:
            await manager.add_consumer(subjects.RECEIPTS_STREAM, config)


def _taken(message: Msg) -> Taken:
    room = subjects.room_of(message.subject.rpartition(".")[2])
    return Taken(room, message.data, message.reply, again=delivery(message.reply).times > 1)
