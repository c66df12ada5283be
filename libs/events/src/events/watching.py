"""Watching leases: with one consumer after the other, for as long as somebody watches.

A consumer of the bucket tells its state and then every change, the server's markers included, without a
hole. Nothing is acknowledged to it, and it is gone when its server or the bucket is; then the next one
begins with the state again.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamConfig, StreamInfo
from nats.js.errors import NotFoundError

from events import subjects
from events.client import Client
from events.delivery import delivery
from events.following import Following, Missed
from events.leases import LeaseWatcher
from events.managing import ensure, managing
from events.stream import StreamError

IDLE_SECONDS = 0.5
"""A consumer that has nothing to tell says so once in this time."""

SILENCE_SECONDS = 2.0
"""After which a consumer that says nothing is taken for gone; one whose bucket is deleted says nothing."""

RETRY_SECONDS = 0.25

STREAM = subjects.bucket(subjects.PRESENCE_BUCKET)
PREFIX = subjects.in_bucket(subjects.PRESENCE_BUCKET, "")

log = logging.getLogger(__name__)


class Watch:
    """What one watcher is told of the leases of an app."""

    def __init__(
        self, client: Client, app: str, watcher: LeaseWatcher, *, bucket: StreamConfig, fresh: float
    ) -> None:
        """Keys may still be on their way for `fresh` seconds after the bucket was made or lost its keys."""
        self._client = client
        self._filter = subjects.in_bucket(subjects.PRESENCE_BUCKET, subjects.leases(app))
        self._watcher = watcher
        self._config = bucket
        self._fresh = fresh
        self._following = Following(watcher)
        self._broken = asyncio.Event()
        self._lost = True
        self._unsure_until = 0.0 if client.is_connected else math.inf
        self._sequence = 0
        self._heard_at = 0.0

    async def run(self) -> None:
        """Until it is cancelled or the client closed."""
        trouble = ""
        while not self._client.is_closed:
            try:
                await self._follow()
                trouble = ""
            except (StreamError, NatsError) as error:
                self._lose()
                if str(error) != trouble:
                    trouble = str(error)
                    log.warning("leases cannot be watched: %s", error)
            except Exception:
                log.exception("what watches leases failed")
            await asyncio.sleep(RETRY_SECONDS)

    def disconnected(self) -> None:
        self._unsure_until = math.inf
        self._lose()
        self._broken.set()

    async def _follow(self) -> None:
        """With one consumer, until it is gone or something was missed."""
        self._broken.clear()
        info = await self._bucket()
        self._following = Following(self._watcher)
        async with self._listening() as inbox:
            async with managing(self._client) as manager:
                made = await manager.add_consumer(STREAM, _consumer(self._filter, inbox))
            if self._broken.is_set():
                return
            assert made.created is not None
            assert info.created is not None
            age = (made.created - info.created).total_seconds()
            await self._until_broken(self._is_whole(age, info.state.last_seq))

    def _is_whole(self, age: float, sequence: int) -> bool:
        """Of a bucket that was made `age` seconds ago and is at `sequence` now."""
        now = asyncio.get_running_loop().time()
        emptied = sequence < self._sequence  # as is that of a cluster whose servers began anew
        whole = age >= self._fresh and now >= self._unsure_until and not emptied
        if emptied or self._unsure_until == math.inf:
            self._unsure_until = now + self._fresh
        self._sequence = sequence
        return whole

    async def _until_broken(self, whole: bool) -> None:
        loop = asyncio.get_running_loop()
        self._heard_at = loop.time()
        while loop.time() - self._heard_at < SILENCE_SECONDS:
            if not self._following.begun:
                await self._expect(whole)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._broken.wait()
                    return
        log.warning("nothing is told of leases any more")
        self._lose()

    async def _expect(self, whole: bool) -> None:
        """Asked again soon if there is no answer; a consumer that is gone, too, is noticed by its silence."""
        try:
            keys = await self._keys()
        except StreamError as error:
            log.warning("the keys of the leases are not known yet: %s", error)
            return
        if not self._broken.is_set():
            self._following.expect(keys, whole=whole)
            self._lost = self._lost and not self._following.begun

    def _lose(self) -> None:
        self._following = Following(self._watcher)  # never started: what is still on its way is not told
        if not self._lost:
            self._lost = True
            self._watcher.lost()

    async def _bucket(self) -> StreamInfo:
        """It is made if it is gone."""
        async with managing(self._client) as manager:
            try:
                return await manager.stream_info(STREAM)
            except NotFoundError:
                await ensure(manager, self._config)
                return await manager.stream_info(STREAM)

    async def _keys(self) -> set[str]:
        """That the app has in the bucket now; of very many the first 100,000, as the server tells no more."""
        async with managing(self._client) as manager:
            state = (await manager.stream_info(STREAM, subjects_filter=self._filter)).state
        return {subject.removeprefix(PREFIX) for subject in state.subjects or ()}

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[str]:
        """To an inbox of this consumer alone."""
        inbox = self._client.new_inbox()
        subscription: Subscription = await self._client.subscribe(inbox, cb=self._heard)
        try:
            yield inbox
        finally:
            with contextlib.suppress(NatsError):
                await subscription.unsubscribe()

    async def _heard(self, message: Msg) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        headers = message.headers or {}
        try:
            if "Status" in headers:
                await self._control(message, headers)
            else:
                self._tell(message, headers)
        except Missed as missed:
            if not self._broken.is_set():
                log.warning("too slow for what is told of leases: %s missed", missed)
                self._broken.set()
        if self._following.begun:
            self._lost = False

    def _tell(self, message: Msg, headers: Mapping[str, str]) -> None:
        place = delivery(message.reply)
        self._sequence = place.sequence
        key = message.subject.removeprefix(PREFIX)
        expired = headers.get("Nats-Marker-Reason") == "MaxAge"
        if expired or "KV-Operation" in headers or "Nats-Marker-Reason" in headers:
            self._following.ended(place.number, key, expired=expired)
        else:
            self._following.extended(place.number, key, message.data)

    async def _control(self, message: Msg, headers: Mapping[str, str]) -> None:
        """The consumer waits until it is told that so much was heard, or it is idle."""
        waits = message.reply or headers.get("Nats-Consumer-Stalled")
        if waits:
            await self._client.publish(waits)
        elif "Nats-Last-Consumer" in headers:
            self._following.idle(int(headers["Nats-Last-Consumer"]))


def _consumer(subject: str, inbox: str) -> ConsumerConfig:
    return ConsumerConfig(
        deliver_subject=inbox,
        deliver_policy=DeliverPolicy.LAST_PER_SUBJECT,
        ack_policy=AckPolicy.NONE,
        filter_subject=subject,
        flow_control=True,
        idle_heartbeat=IDLE_SECONDS,
        mem_storage=True,
        num_replicas=1,
    )
