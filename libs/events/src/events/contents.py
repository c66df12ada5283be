"""What the stream holds: the port `Contents` over nats-py.

Asked of the stream's leader and never by direct get, which a copy that lags behind may answer.
"""

from contextlib import AbstractAsyncContextManager

from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError
from nats.js.manager import JetStreamManager

from events import storage, subjects
from events.client import Client
from events.managing import SECONDS, ensure, found, managing
from events.record import MESSAGE_ID, Record, received
from events.stream import Bounds, Held

REMOVE_SECONDS = 30.0
"""To remove a room of a million events."""


class StreamContents:
    """`Contents` of the stream with so many replicas."""

    def __init__(self, client: Client, replicas: int = 1) -> None:
        self._client = client
        self._replicas = replicas

    async def ensure_stream(self) -> None:
        async with self._manager() as manager:
            await ensure(manager, storage.stream(self._replicas))

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
            message = await found(manager, subjects.STREAM, seq=sequence)
        return None if message is None else (message.headers or {}).get(MESSAGE_ID)

    async def held(self, app: str, room: str) -> Held | None:
        subject = subjects.events_of(app, room)
        async with self._manager() as manager:
            last = await found(manager, subjects.STREAM, subject=subject)
            if last is None:
                return None
            first = await found(manager, subjects.STREAM, seq=1, subject=subject, next=True)
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

    def _manager(self, seconds: float = SECONDS) -> AbstractAsyncContextManager[JetStreamManager]:
        return managing(self._client, seconds)


def _record(message: RawStreamMsg) -> Record | None:
    try:
        return received(message.subject or "", message.headers, message.data or b"")
    except ValueError:
        return None
