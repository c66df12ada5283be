"""Durable consumers that are asked for messages, over nats-py; their replicas share what there is."""

import asyncio
import json
from collections.abc import Iterable, Sequence

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig

from events import storage
from events.client import Client, describe
from events.gathering import Gathered, gather
from events.managing import SECONDS, managing
from events.stream import StreamError

BATCH_BYTES = 8 << 20
"""Of messages asked for at once, so that large ones do not fill the memory."""

MAKING_SECONDS = (0.0, 0.05, 0.2)
"""Pauses until a consumer listens: one that another replica is making is there before it does."""

_NONE = ("404", "408")
"""Statuses that say that there are none, or none came in time."""

_NOBODY = "503"
"""The status of a request that no consumer listens to."""


class Pulling:
    """From one stream, of which no more than `unconfirmed` messages are given before some are confirmed."""

    def __init__(self, client: Client, stream: str, *, unconfirmed: int) -> None:
        self._client = client
        self._stream = stream
        self._unconfirmed = unconfirmed

    async def take(self, durable: str, subject: str, most: int, wait: float) -> Sequence[Msg]:
        """The next messages on the subject, waited for `wait` seconds; the consumer is made if it is gone."""
        gathered = await self._pull(durable, most, wait)
        for pause in MAKING_SECONDS:
            if gathered.status != _NOBODY:
                break
            await self._make(durable, subject)
            await asyncio.sleep(pause)
            gathered = await self._pull(durable, most, wait)
        if not gathered.messages and gathered.status not in _NONE:
            reason = gathered.status or "no answer"
            raise StreamError(f"nothing of the stream {self._stream} is to be had: {reason}")
        return gathered.messages

    async def confirm(self, replies: Iterable[str]) -> None:
        """`replies` are those of the messages."""
        if not self._client.is_connected:
            raise StreamError("not connected to NATS")
        try:
            for reply in replies:
                await self._client.publish(reply, b"+ACK")
        except NatsError as error:
            raise StreamError(describe(error)) from error

    async def _pull(self, durable: str, most: int, wait: float) -> Gathered:
        """`no_wait` and `expires` together mean: wait for the first one, and do not wait for more.

        A full batch ends without a status.
        """
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{durable}"
        expires = max(1, int(wait * 1e9))
        request = {"batch": most, "no_wait": True, "expires": expires, "max_bytes": BATCH_BYTES}
        return await gather(self._client, subject, json.dumps(request).encode(), wait + SECONDS, most=most)

    async def _make(self, durable: str, subject: str) -> None:
        config = ConsumerConfig(
            durable_name=durable,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=storage.CONFIRM_SECONDS,
            max_ack_pending=self._unconfirmed,
            filter_subject=subject,
        )
        async with managing(self._client) as manager:
            await manager.add_consumer(self._stream, config)
