"""The port `ReceiptStream` over nats-py: the stream RECEIPTS, taken from by pulling."""

import asyncio
from collections.abc import Sequence

from nats.aio.msg import Msg

from events import storage, subjects
from events.client import Client
from events.delivery import delivery
from events.managing import ensure, managing
from events.pipeline import Pipeline
from events.pulling import Pulling
from events.receipts import Taken

UNCONFIRMED = 100_000
"""Messages that may be taken and not confirmed; beyond it nothing more is given."""


class NatsReceipts:
    def __init__(self, client: Client, pipeline: Pipeline) -> None:
        self._client = client
        self._pipeline = pipeline
        self._pulling = Pulling(client, subjects.RECEIPTS_STREAM, unconfirmed=UNCONFIRMED)

    async def ensure_receipts(self, *, replicas: int = 1) -> None:
        async with managing(self._client) as manager:
            await ensure(manager, storage.receipts(replicas))

    async def publish_receipts(self, app: str, room: str, data: bytes) -> asyncio.Future[None]:
        return await self._pipeline.publish(subjects.receipts(app, room), data)

    async def take_receipts(self, app: str, durable: str, most: int, wait: float) -> Sequence[Taken]:
        messages = await self._pulling.take(durable, subjects.receipts_of(app), most, wait)
        return [_taken(message) for message in messages]

    async def confirm_receipts(self, taken: Sequence[Taken]) -> None:
        await self._pulling.confirm(each.reply for each in taken)


def _taken(message: Msg) -> Taken:
    room = subjects.room_of(message.subject.rpartition(".")[2])
    return Taken(room, message.data, message.reply, again=delivery(message.reply).times > 1)
