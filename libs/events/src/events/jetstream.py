"""NATS for real: the ports of `stream.py` over one connection of nats-py.

Publishing is pipelined by us: nats-py's `publish_async` leaves its future pending for ever on any API
error, and a request per event costs a round trip each.
"""

import asyncio
import itertools
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import RePublish, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from events import subjects
from events.record import Record, received
from events.stream import NoAnswer, NotPublished, Stop, StreamError

ACK_SECONDS = 2.0
"""A request in flight when the connection breaks is never answered: wait no longer than this, then repeat."""

DUPLICATE_WINDOW = 120.0
"""Seconds for which the stream remembers message ids."""

RECONNECT_SECONDS = 0.25

log = logging.getLogger(__name__)


@asynccontextmanager
async def connect(
    url: str, *, name: str, user: str | None = None, password: str | None = None
) -> AsyncIterator["Nats"]:
    """A connection that lasts as long as it takes: it never gives up reconnecting.

    Raise `OSError` or `nats.errors.Error` when the first connection fails.
    """
    client = Client()
    wire = Nats(client)
    options: dict[str, Any] = {"user": user, "password": password} if user else {}
    await client.connect(
        url,
        name=name,
        allow_reconnect=True,
        max_reconnect_attempts=-1,
        reconnect_time_wait=RECONNECT_SECONDS,  # type: ignore[arg-type] # a fraction works
        connect_timeout=2,
        ping_interval=10,
        max_outstanding_pings=2,
        error_cb=_on_error,
        disconnected_cb=_on_disconnect,
        reconnected_cb=wire.came_back,
        **options,
    )
    try:
        await wire.open()
        yield wire
    finally:
        await wire.close()


class Nats:
    """One connection to NATS: `Stream` and `Wire`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._inbox = client.new_inbox()
        self._tokens = itertools.count()
        self._acks: dict[str, asyncio.Future[int]] = {}
        self._after_reconnect: list[Callable[[], None]] = []

    async def open(self) -> None:
        await self._client.subscribe(f"{self._inbox}.*", cb=self._acked)

    async def close(self) -> None:
        """Send what waits, then close."""
        await self._client.drain() if self._client.is_connected else await self._client.close()

    @property
    def connected(self) -> bool:
        return bool(self._client.is_connected)

    async def ping(self) -> None:
        """Raise unless the server answers within 1 s."""
        if not self._client.is_connected:
            raise NoAnswer("not connected to NATS")
        await self._client.flush(timeout=1)

    # Stream

    async def ensure_stream(self, *, replicas: int = 1) -> None:
        """Create the stream, or bring its configuration up to date."""
        config = StreamConfig(
            name=subjects.STREAM,
            subjects=[subjects.EVENTS],
            storage=StorageType.FILE,
            num_replicas=replicas,
            duplicate_window=DUPLICATE_WINDOW,
            max_age=30 * 86_400.0,
            allow_direct=True,
            republish=RePublish(src=subjects.EVENTS, dest=f"{subjects.LIVE_PREFIX}{subjects.EVENTS}"),
        )
        manager = self._client.jsm()
        try:
            await manager.stream_info(subjects.STREAM)
            await manager.update_stream(config)
        except NotFoundError:
            await manager.add_stream(config)

    async def publish(self, record: Record) -> asyncio.Future[int]:
        token = str(next(self._tokens))
        ack: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._acks[token] = ack
        late = asyncio.get_running_loop().call_later(ACK_SECONDS, self._fail, token, "no acknowledgement")

        def settled(_: asyncio.Future[int]) -> None:
            late.cancel()
            del self._acks[token]

        ack.add_done_callback(settled)
        reply = f"{self._inbox}.{token}"
        try:
            await self._client.publish(record.subject, record.data, reply, record.headers())
        except NatsError as error:
            self._fail(token, describe(error))
        return ack

    async def _acked(self, message: Msg) -> None:
        token = message.subject.rpartition(".")[2]
        ack = self._acks.get(token)
        if ack is None or ack.done():
            return
        if not message.data:
            self._fail(token, "no stream listens")
            return
        answer = json.loads(message.data)
        if "error" in answer:
            self._fail(token, answer["error"].get("description", "refused"))
        else:
            ack.set_result(int(answer["seq"]))

    def _fail(self, token: str, reason: str) -> None:
        ack = self._acks.get(token)
        if ack is not None and not ack.done():
            ack.set_exception(NotPublished(reason))

    async def follow(self, app: str, room: str, heard: Callable[[Record], None]) -> Stop:
        async def deliver(message: Msg) -> None:
            try:
                record = received(message.subject, message.headers, message.data)
            except ValueError as error:
                log.warning(
                    "foreign message ignored", extra={"subject": message.subject, "reason": str(error)}
                )
            else:
                heard(record)

        subscription = await self._client.subscribe(subjects.live(app, room), cb=deliver)
        return subscription.unsubscribe

    # Wire

    async def send(self, subject: str, payload: bytes) -> None:
        try:
            await self._client.publish(subject, payload)
        except NatsError as error:
            raise StreamError(describe(error)) from error

    async def listen(self, subject: str, heard: Callable[[str, bytes], None]) -> Stop:
        async def deliver(message: Msg) -> None:
            heard(message.subject, message.data)

        return (await self._client.subscribe(subject, cb=deliver)).unsubscribe

    async def request(self, subject: str, payload: bytes, timeout: float) -> bytes:  # noqa: ASYNC109
        try:
            answer = await self._client.request(subject, payload, timeout=timeout)
        except (NatsError, TimeoutError) as error:
            raise NoAnswer(f"{subject}: {describe(error)}") from error
        return bytes(answer.data)

    async def serve(self, subject: str, group: str, answer: Callable[[bytes], Awaitable[bytes]]) -> Stop:
        """Requests are answered side by side: a slow one holds up no other."""
        working: set[asyncio.Task[None]] = set()

        async def work(message: Msg) -> None:
            await message.respond(await answer(message.data))

        def finished(task: asyncio.Task[None]) -> None:
            working.discard(task)
            if not task.cancelled() and (error := task.exception()):
                log.error("a request could not be answered", exc_info=error, extra={"subject": subject})

        async def deliver(message: Msg) -> None:
            task = asyncio.create_task(work(message))
            working.add(task)
            task.add_done_callback(finished)

        return (await self._client.subscribe(subject, queue=group, cb=deliver)).unsubscribe

    def reconnected(self, then: Callable[[], None]) -> None:
        self._after_reconnect.append(then)

    async def came_back(self) -> None:
        log.warning("NATS is back")
        for then in self._after_reconnect:
            then()


def describe(error: Exception) -> str:
    """nats-py raises many of its errors without a text."""
    return str(error) or type(error).__name__


async def _on_error(error: Exception) -> None:
    log.warning("NATS: %s", describe(error))


async def _on_disconnect() -> None:
    log.warning("NATS is away")
