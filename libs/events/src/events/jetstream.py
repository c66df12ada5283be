"""NATS for real: the ports of `stream.py` over one connection of nats-py, and where to get the others."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import SlowConsumerError

from events import subjects
from events.answering import Answering
from events.client import Client, describe
from events.contents import StreamContents
from events.feeding import NatsFeed
from events.leasing import NatsLeases
from events.pipeline import Pipeline
from events.receiving import NatsReceipts
from events.record import Record, received
from events.seeing import NatsLastSeen
from events.storage import PRESENCE_BYTES, SEEN_SECONDS
from events.stream import Answer, NoAnswer, Stop, StreamError

CONNECT_SECONDS = 10.0
"""For the first connection; by itself nats-py would try for ever."""

RECONNECT_SECONDS = 0.25

PING_SECONDS = 2
"""A server that hangs without a word is given up after two or three of them."""

MISSED_SECONDS = 0.1
"""After the client dropped messages: those of this time are caught up with at once."""

log = logging.getLogger(__name__)


@asynccontextmanager
async def connect(
    url: str,
    *,
    name: str,
    user: str | None = None,
    password: str | None = None,
    patience: float = CONNECT_SECONDS,
) -> AsyncIterator["Nats"]:
    """A connection that lasts as long as it takes: it never gives up reconnecting.

    Raise `OSError` or `nats.errors.Error` when there is none within `patience` seconds.
    """
    client = Client()
    wire = Nats(client)
    options: dict[str, Any] = {"user": user, "password": password} if user else {}
    try:
        async with asyncio.timeout(patience):
            await client.connect(
                url,
                name=name,
                allow_reconnect=True,
                max_reconnect_attempts=-1,
                reconnect_time_wait=RECONNECT_SECONDS,  # type: ignore[arg-type] # a fraction works
                connect_timeout=2,
                ping_interval=PING_SECONDS,
                max_outstanding_pings=1,
                error_cb=wire.went_wrong,
                disconnected_cb=wire.went_away,
                reconnected_cb=wire.came_back,
                **options,
            )
    except TimeoutError as error:
        await client.close()
        place = urlsplit(url)
        where = f"{place.hostname}:{place.port or 4222}"
        raise ConnectionError(f"no NATS lets us in at {where} within {patience:g} s") from error
    except asyncio.CancelledError:
        await client.close()
        raise
    try:
        await wire.open()
        yield wire
    finally:
        await wire.close()


class Nats:
    """One connection to NATS: `Stream` and `Wire`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._pipeline = Pipeline(client)
        self._after_disconnect: list[Callable[[], None]] = []
        self._after_reconnect: list[Callable[[], None]] = []
        self._missed: asyncio.TimerHandle | None = None
        self._trouble: str | None = None

    async def open(self) -> None:
        await self._pipeline.open()

    async def close(self) -> None:
        """Send what waits, then close."""
        if self._missed is not None:
            self._missed.cancel()
        try:
            if self._client.is_connected:
                await self._client.drain()
            else:
                self._client.forget_unsent()
        except NatsError as error:
            log.warning("NATS was left with something unsent: %s", describe(error))
        finally:
            await self._client.close()

    @property
    def connected(self) -> bool:
        return bool(self._client.is_connected)

    async def ping(self) -> None:
        """Raise unless the server answers within 1 s."""
        if not self._client.is_connected:
            raise NoAnswer("not connected to NATS")
        await self._client.flush(timeout=1)

    # The other ports

    def leases(self, *, replicas: int = 1, fresh: float = 30.0, most: int = PRESENCE_BYTES) -> NatsLeases:
        """A bucket that was made less than `fresh` seconds ago is not whole; it takes `most` bytes."""
        leases = NatsLeases(self._client, self._pipeline, replicas=replicas, fresh=fresh, most=most)
        self.disconnected(leases.disconnected)
        return leases

    def last_seen(self, *, replicas: int = 1, max_age: float = SEEN_SECONDS) -> NatsLastSeen:
        return NatsLastSeen(self._client, self._pipeline, replicas=replicas, max_age=max_age)

    def receipts(self) -> NatsReceipts:
        return NatsReceipts(self._client, self._pipeline)

    def feed(self) -> NatsFeed:
        return NatsFeed(self._client)

    # Stream

    def contents(self, *, replicas: int = 1) -> StreamContents:
        return StreamContents(self._client, replicas)

    async def ensure_stream(self, *, replicas: int = 1) -> None:
        """Create the stream, or bring its configuration up to date."""
        await self.contents(replicas=replicas).ensure_stream()

    async def publish(self, record: Record) -> asyncio.Future[int]:
        return await self._pipeline.publish(record.subject, record.data, record.headers())

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

    async def announce(self, record: Record) -> None:
        await self._send(subjects.LIVE_PREFIX + record.subject, record.data, record.headers())

    # Wire

    async def send(self, subject: str, payload: bytes) -> None:
        await self._send(subject, payload)

    async def _send(self, subject: str, payload: bytes, headers: dict[str, str] | None = None) -> None:
        if not self._client.is_connected:
            raise StreamError("not connected to NATS")
        try:
            await self._client.publish(subject, payload, headers=headers)
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

    async def serve(self, subject: str, group: str, answer: Answer) -> Stop:
        """`Stop` waits for the answers that were begun."""
        answering = Answering(subject, answer)
        subscription = await self._client.subscribe(subject, queue=group, cb=answering.begin)

        async def stop() -> None:
            await subscription.unsubscribe()
            await answering.finish()

        return stop

    def disconnected(self, then: Callable[[], None]) -> None:
        self._after_disconnect.append(then)

    def reconnected(self, then: Callable[[], None]) -> None:
        self._after_reconnect.append(then)

    # What nats-py reports

    async def went_away(self) -> None:
        self._client.forget_unsent()
        self._pipeline.broke()
        if not self._client.is_closed:
            log.warning("NATS is away")
            for then in self._after_disconnect:
                then()

    async def came_back(self) -> None:
        log.warning("NATS is back")
        self._trouble = None
        self._pipeline.mended()
        self._catch_up()

    async def went_wrong(self, error: Exception) -> None:
        if isinstance(error, SlowConsumerError):
            self._dropped(error.subject)
        elif (trouble := describe(error)) != self._trouble:  # 4 tries to reconnect in a second
            log.warning("NATS: %s", trouble)
            self._trouble = trouble

    def _dropped(self, subject: str) -> None:
        """Whoever listens catches up once for all drops of a moment, and after the last of them."""
        if self._missed is None:
            log.warning("too slow for what NATS sends: some was dropped", extra={"subject": subject})
            self._missed = asyncio.get_running_loop().call_later(MISSED_SECONDS, self._catch_up)

    def _catch_up(self) -> None:
        self._missed = None
        for then in self._after_reconnect:
            then()
