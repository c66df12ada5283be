"""Requests that are answered by many messages, up to a status that ends them."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from events.client import Client, describe
from events.stream import StreamError

GOT_ALL = ("204", "404")
"""Statuses of a direct get: all was sent, or there is nothing."""

NOTHING_DUE = "100"
"""The status of what only says that the connection lives."""


@dataclass
class Gathered:
    """What came; `status` is what ended it, "" if nothing did in time."""

    messages: list[Msg] = field(default_factory=list)
    status: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the status."""


async def gather(
    client: Client, subject: str, request: bytes, seconds: float, *, most: int | None = None
) -> Gathered:
    """Ask, and wait `seconds` for the end of the answer, or for `most` messages. Raise `StreamError`."""
    if not client.is_connected:
        raise StreamError("not connected to NATS")
    gathered, ended = Gathered(), asyncio.Event()

    async def heard(message: Msg) -> None:
        headers = message.headers or {}
        status = headers.get("Status")
        if status is None:
            gathered.messages.append(message)
            if len(gathered.messages) == most:
                ended.set()
        elif status != NOTHING_DUE:
            gathered.status, gathered.headers = status, headers
            ended.set()

    inbox = client.new_inbox()
    try:
        subscription = await client.subscribe(inbox, cb=heard, pending_bytes_limit=-1)
        try:
            async with asyncio.timeout(seconds):
                await client.publish(subject, request, inbox)
                await ended.wait()
        except TimeoutError:
            pass
        finally:
            with contextlib.suppress(NatsError):
                await subscription.unsubscribe()
    except NatsError as error:
        raise StreamError(f"the stream cannot be read: {describe(error)}") from error
    return gathered
