"""Publishing to streams, with many messages in flight.

With nats-py each is a round trip, or a future that any API error leaves pending for ever (`publish_async`).
"""

import asyncio
from typing import Any

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from events.acks import Acks
from events.client import Client, describe

ACK_SECONDS = 2.0
"""A request in flight when the connection breaks is never answered: wait no longer than this, then repeat."""


class Pipeline:
    def __init__(self, client: Client) -> None:
        self._client = client
        self._inbox = client.new_inbox()
        self._acks = Acks(ACK_SECONDS)
        self._away = False

    async def open(self) -> None:
        await self._client.subscribe(f"{self._inbox}.*", cb=self._acked)

    async def publish(
        self, subject: str, data: bytes, headers: dict[str, str] | None = None
    ) -> asyncio.Future[Any]:
        """The future is the sequence that a stream gave it; raises `NotPublished`, or `Rejected`."""
        token, ack = self._acks.expect()
        if self._away or not self._client.is_connected:
            self._acks.fail(token, "not connected to NATS")
            return ack
        try:
            await self._client.publish(subject, data, f"{self._inbox}.{token}", headers)
        except NatsError as error:
            self._acks.fail(token, describe(error))
        return ack

    def broke(self) -> None:
        """The connection is lost: nothing is published until `mended`."""
        self._away = True
        self._acks.fail_all("the connection broke")

    def mended(self) -> None:
        self._away = False

    async def _acked(self, message: Msg) -> None:
        self._acks.answered(message.subject.rpartition(".")[2], message.data)
