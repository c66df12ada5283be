"""JetStream's own API, of which the leader of a stream answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.errors import Error as NatsError
from nats.js.api import RawStreamMsg, StreamConfig
from nats.js.errors import NotFoundError
from nats.js.manager import JetStreamManager

from events.client import Client, describe
from events.stream import StreamError

SECONDS = 2.0
"""For the stream to answer."""

NO_STREAM = 10059
"""JetStream's error code (`JSStreamNotFoundErr`); a missing message has another."""


@asynccontextmanager
async def managing(client: Client, seconds: float = SECONDS) -> AsyncIterator[JetStreamManager]:
    """Raise `StreamError` for whatever goes wrong."""
    if not client.is_connected:
        raise StreamError("not connected to NATS")
    try:
        yield client.jsm(timeout=seconds)
    except (NatsError, TimeoutError) as error:
        raise StreamError(f"the stream does not answer: {describe(error)}") from error


async def ensure(manager: JetStreamManager, config: StreamConfig) -> None:
    """Make the stream, or bring its configuration up to date."""
    assert config.name is not None
    try:
        await manager.stream_info(config.name)
        await manager.update_stream(config)
    except NotFoundError:
        await manager.add_stream(config)


async def found(
    manager: JetStreamManager,
    stream: str,
    *,
    seq: int | None = None,
    subject: str | None = None,
    next: bool = False,  # noqa: A002
) -> RawStreamMsg | None:
    """The message, or `None` if there is none; as nats-py's `get_msg`."""
    try:
        return await manager.get_msg(stream, seq, subject, next=next)
    except NotFoundError as error:
        if error.err_code == NO_STREAM:
            raise
        return None
