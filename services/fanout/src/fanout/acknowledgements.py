"""What members acknowledge, on its way to comments: merged, and published once in a while for each room."""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from time import time

from events import Stop, Wire, subjects
from events.receipts import Receipt, Receipts, ReceiptStream
from fanout.hints import changes_of
from fanout.window import Window

MOST = 800
"""Users in one message: under 512 KB, as a receipt takes 600 bytes at most (a user has 128 characters)."""

REMEMBERED = 50_000
"""Confirmed watermarks that are remembered, so that nothing is published again when clients repeat it."""

FLUSH_SECONDS = 5.0
"""To publish what waits before the process ends."""

log = logging.getLogger(__name__)

Mark = tuple[int, int]
"""The offsets up to which events were delivered, and read."""

NOTHING: Mark = 0, 0

Place = tuple[str, str | None]
"""Room and epoch."""


def higher(one: Mark, other: Mark) -> Mark:
    return max(one[0], other[0]), max(one[1], other[1])


@dataclass(slots=True)
class _Batch:
    marks: dict[str, Mark] = field(default_factory=dict)
    """By user."""
    at: float = 0.0
    """When the newest was taken, in seconds since 1970."""

    def merge(self, user: str, mark: Mark, at: float) -> None:
        self.marks[user] = higher(self.marks.get(user, NOTHING), mark)
        self.at = max(self.at, at)

    def cut(self, most: int) -> "_Batch":
        """So many of its users, who are no longer in this one."""
        return _Batch(dict(self.marks.popitem() for _ in range(min(most, len(self.marks)))), self.at)


class Acknowledgements:
    """Watermarks of an app's users, until the stream has them; they only grow, so a repeat is harmless."""

    def __init__(
        self, stream: ReceiptStream, app: str, *, interval: float, limit: int, remembered: int = REMEMBERED
    ) -> None:
        """Published every `interval` seconds; at most `limit` watermarks wait."""
        self._stream = stream
        self._app = app
        self._interval = interval
        self._limit = limit
        self._remembered = remembered
        self._pending: dict[Place, _Batch] = {}
        self._confirmed: OrderedDict[tuple[str, str], tuple[str, Mark]] = OrderedDict()
        """By room and user: the epoch, and what the stream has."""
        self._stops: list[Stop] = []
        self._some = asyncio.Event()
        self._sending = asyncio.Lock()
        self._window = Window("receipts", self._confirmed.clear)
        self.waiting = 0
        """Users, once for each room, of whom something is not confirmed yet."""
        self.published = 0
        """Messages that the stream has confirmed."""

    @property
    def failures(self) -> int:
        """Times that a message was not confirmed."""
        return self._window.failures

    def take(self, room: str, epoch: str | None, user: str, delivered: int, read: int) -> bool:
        """Publish it soon; `False` if too many wait already. Offsets are from 0 to 2**63 - 1."""
        place, mark = (room, epoch), (delivered, read)
        known = self._known(place, user)
        if higher(known, mark) == known:
            return True
        batch = self._pending.get(place)
        if self.waiting >= self._limit and (batch is None or user not in batch.marks):
            return False
        self._merge(place, user, mark, time())
        return True

    async def listen(self, wire: Wire) -> None:
        """Hear of who becomes a member: what they acknowledged before was dropped, and counts if repeated."""
        self._stops.append(await wire.listen(subjects.changed(self._app), self._changed))
        wire.reconnected(self._confirmed.clear)

    async def close(self) -> None:
        """Hear nothing more."""
        stops, self._stops = self._stops, []
        for stop in stops:
            await stop()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            await self._some.wait()
            await asyncio.sleep(self._interval)
            self._some.clear()
            async with self._sending:
                await self._publish()

    async def flush(self) -> None:
        """Publish all that waits, within `FLUSH_SECONDS`; what is left then is lost with the process."""
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                while self.waiting:
                    async with self._sending:
                        await self._publish()
                    await self._window.flush()
        except TimeoutError:
            log.warning("%d receipts could not be published", self.waiting)

    def _merge(self, place: Place, user: str, mark: Mark, at: float) -> None:
        batch = self._pending.setdefault(place, _Batch())
        self.waiting += user not in batch.marks
        batch.merge(user, mark, at)
        self._some.set()

    # Publishing

    async def _publish(self) -> None:
        for place in list(self._pending):
            for _ in range(0, len(self._pending[place].marks), MOST):
                await self._window.ready()
                await self._send(place, self._cut(place))

    def _cut(self, place: Place) -> _Batch:
        batch = self._pending[place]
        part = batch.cut(MOST)
        if not batch.marks:
            del self._pending[place]
        return part

    async def _send(self, place: Place, part: _Batch) -> None:
        room, epoch = place
        receipts = [Receipt(user=user, delivered=mark[0], read=mark[1]) for user, mark in part.marks.items()]
        message = Receipts(epoch=epoch, at=datetime.fromtimestamp(part.at, UTC), receipts=receipts).encode()
        publish = partial(self._stream.publish_receipts, self._app, room, message)
        await self._window.send(publish, partial(self._settled, place, part))

    def _settled(self, place: Place, part: _Batch, confirmed: bool) -> None:
        self.waiting -= len(part.marks)
        if confirmed:
            self.published += 1
            self._remember(place, part)
        else:
            for user, mark in part.marks.items():
                self._merge(place, user, mark, part.at)

    # What is confirmed

    def _changed(self, _subject: str, payload: bytes) -> None:
        for change in changes_of(payload):
            for user in change.users:
                self._confirmed.pop((change.room, user), None)

    def _known(self, place: Place, user: str) -> Mark:
        epoch, mark = self._confirmed.get((place[0], user), (None, NOTHING))
        return mark if epoch == place[1] else NOTHING

    def _remember(self, place: Place, part: _Batch) -> None:
        room, epoch = place
        if epoch is None:  # the same offset may mean something else by now
            return
        for user, mark in part.marks.items():
            known = self._known(place, user)
            self._confirmed.pop((room, user), None)
            self._confirmed[room, user] = epoch, higher(known, mark)
        while len(self._confirmed) > self._remembered:
            self._confirmed.popitem(last=False)
