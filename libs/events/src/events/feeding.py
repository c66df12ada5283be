"""The port `EventFeed` over nats-py: the stream EVENTS, taken from by pulling."""

import logging
from collections.abc import Sequence

from nats.aio.msg import Msg

from events import subjects
from events.client import Client
from events.delivery import delivery
from events.feed import Received
from events.pulling import Pulling
from events.record import received

UNCONFIRMED = 20_000
"""Events that may be taken and not confirmed: several batches of each of many replicas."""

log = logging.getLogger(__name__)


class NatsFeed:
    def __init__(self, client: Client) -> None:
        self._pulling = Pulling(client, subjects.STREAM, unconfirmed=UNCONFIRMED)

    async def take(self, app: str, durable: str, most: int, wait: float) -> Sequence[Received]:
        messages = await self._pulling.take(durable, subjects.events(app), most, wait)
        found, foreign = list[Received](), list[str]()
        for message in messages:
            if (one := _received(message)) is not None:
                found.append(one)
            else:
                foreign.append(message.reply)
        if foreign:
            await self._pulling.confirm(foreign)
        return found

    async def confirm(self, received: Sequence[Received]) -> None:
        await self._pulling.confirm(each.reply for each in received)


def _received(message: Msg) -> Received | None:
    """`None` for a foreign message, which is never looked at again."""
    try:
        record = received(message.subject, message.headers, message.data)
    except ValueError as error:
        log.warning("foreign message ignored", extra={"subject": message.subject, "reason": str(error)})
        return None
    return Received(record, message.reply, again=delivery(message.reply).times > 1)
