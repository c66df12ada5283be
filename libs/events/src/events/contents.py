"""What the stream holds: the port `Contents` over nats-py.

Asked of the stream's leader and never by direct get, which a copy that lags behind may answer.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.errors import Error as NatsError
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError
from nats.js.manager import JetStreamManager

from events import storage, subjects
from events.client import Client, describe
from events.record import MESSAGE_ID, Record, received
from events.stream import Bounds, Held, StreamError

SECONDS = 2.0
"""For the stream to answer."""

REMOVE_SECONDS = 30.0
"""To remove a room of a million events."""

NO_STREAM = 10059
"""JetStream's error code (`JSStreamNotFoundErr`); a missing message has another."""


class StreamContents:
    """`Contents` of the stream with so many replicas."""

    def __init__(self, client: Client, replicas: int = 1) -> None:
        self._client = client
        self._replicas = replicas

    async def ensure_stream(self) -> None:
        config = storage.stream(self._replicas)
        async with self._manager() as manager:
            try:
                await manager.stream_info(subjects.STREAM)
                await manager.update_stream(config)
            except NotFoundError:
                await manager.add_stream(config)

    async def bounds(self) -> Bounds | None:
        async with self._manager() as manager:
            try:
                info = await manager.stream_info(subjects.STREAM)
            except NotFoundError:
                return None
        assert info.created is not None
        return Bounds(info.created, info.state.first_seq, info.state.last_seq, info.state.messages)

    async def message_id(self, sequence: int) -> str | None:
        async with self._manager() as manager:
            message = await _found(manager, seq=sequence)
        return None if message is None else (message.headers or {}).get(MESSAGE_ID)

    async def held(self, app: str, room: str) -> Held | None:
        subject = subjects.events_of(app, room)
        async with self._manager() as manager:
            last = await _found(manager, subject=subject)
            if last is None:
                return None
            first = await _found(manager, seq=1, subject=subject, next=True)
            info = await manager.stream_info(subjects.STREAM, subjects_filter=subject)
        counts = (info.state.subjects or {}).values()
        return Held(_record(first or last), _record(last), sum(counts))

    async def remove(self, app: str, room: str | None = None) -> None:
        subject = subjects.events(app) if room is None else subjects.events_of(app, room)
        async with self._manager(REMOVE_SECONDS) as manager:
            try:
                await manager.purge_stream(subjects.STREAM, subject=subject)
            except NotFoundError:
                return

    @asynccontextmanager
    async def _manager(self, seconds: float = SECONDS) -> AsyncIterator[JetStreamManager]:
        if not self._client.is_connected:
            raise StreamError("not connected to NATS")
        try:
            yield self._client.jsm(timeout=seconds)
        except (NatsError, TimeoutError) as error:
            raise StreamError(f"the stream does not answer: {describe(error)}") from error


async def _found(
    manager: JetStreamManager,
    *,
    seq: int | None = None,
    subject: str | None = None,
    next: bool = False,  # noqa: A002
) -> RawStreamMsg | None:
    """The message, or `None` if there is none; as nats-py's `get_msg`."""
    try:
        return await manager.get_msg(subjects.STREAM, seq, subject, next=next)
    except NotFoundError as error:
        if error.err_code == NO_STREAM:
            raise
        return None


def _record(message: RawStreamMsg) -> Record | None:
    try:
        return received(message.subject or "", message.headers, message.data or b"")
    except ValueError:
        return None
