"""What members acknowledge: taken from the stream, written in bulk.

The same may be said of a comment that is not known here yet, as events and receipts are two streams: such
messages are kept, and written again when the room's head has got there.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from chassis.outages import RETRY_SECONDS, Outages
from events import StreamError
from events.receipts import ReceiptStream, Taken
from notifier.acknowledgements import Said, gather, said
from notifier.database import ERRORS, Pool, unavailable
from notifier.reached import Place, Reached

WAIT_SECONDS = 5.0
"""For a first message; then NATS is asked again."""

AHEAD_SECONDS = 0.2
"""Until it is looked again whether rooms have got as far as their members say."""

PATIENCE_SECONDS = 600.0
"""For a room to get there; a client may also claim what never happens."""

MOST_AHEAD = 10_000
"""Messages that are kept; beyond it the oldest are let go."""

log = logging.getLogger(__name__)


class WatermarkIntake:
    """Of one app; its replicas share what comes."""

    def __init__(
        self,
        pool: Pool,
        stream: ReceiptStream,
        app: str,
        *,
        batch: int,
        delivered: Callable[[Sequence[Place]], None],
    ) -> None:
        """`delivered` is told, after the commit, to whom something was delivered of which a push waits.

        It must not raise. `batch` messages are written at once.
        """
        self._reached = Reached(pool, app)
        self._stream, self._app, self._batch = stream, app, batch
        self._delivered = delivered
        self._ahead: dict[tuple[str, bytes], Said] = {}
        """By room and content, as they are given again; the oldest first."""
        self._heads: Mapping[str, tuple[str, int]] = {}
        """Of their rooms, when they were last written."""
        self._outages = Outages("the intake of receipts", log)
        self.taken = 0
        """Messages that were confirmed."""

    @property
    def ahead(self) -> int:
        """Messages that speak of what is not known yet."""
        return len(self._ahead)

    async def run(self) -> None:
        """Take and write until cancelled. The stream itself is made by comments."""
        while True:
            try:
                await self._take()
            except StreamError as error:
                self._outages.began("the stream", str(error))
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._outages.ended("the stream")

    async def _take(self) -> None:
        wait = AHEAD_SECONDS if self._ahead else WAIT_SECONDS
        taken = await self._stream.take_receipts(self._app, f"notifier-{self._app}", self._batch, wait)
        new, refused = self._read(taken)
        done: list[Said] = []
        while (new or self._ahead) and not await self._outages.attempt(partial(self._write, new, done)):
            done.clear()
        finished = [*refused, *(each.taken for each in done)]
        if finished:
            await self._stream.confirm_receipts(finished)
            self.taken += len(finished)

    def _read(self, taken: Sequence[Taken]) -> tuple[list[Said], list[Taken]]:
        """What they say, and what cannot be read. One that is kept already is kept with its latest reply."""
        now = asyncio.get_running_loop().time()
        new, refused = [], []
        for one in taken:
            known = self._ahead.pop((one.room, one.data), None)
            try:
                new.append(said(one, known.since if known else now))
            except ValueError as error:
                _refuse(one, type(error).__name__)
                refused.append(one)
        return new, refused

    async def _write(self, new: Sequence[Said], done: list[Said]) -> None:
        """Write what is new, and what was kept of rooms that went on; say what need not be kept."""
        every = [*self._ahead.values(), *new]
        heads = await self._reached.heads(sorted({each.taken.room for each in every}))
        went_on = [
            one
            for one in self._ahead.values()
            if self._heads.get(one.taken.room) != heads.get(one.taken.room)
        ]
        await self._apply([*went_on, *new])
        kept = {(each.taken.room, each.taken.data): each for each in every if not each.is_known(heads)}
        done += [each for each in every if each.is_known(heads)]
        for key in _too_old(kept, asyncio.get_running_loop().time() - PATIENCE_SECONDS):
            done.append(kept.pop(key))
        self._ahead = kept
        self._heads = {room: heads[room] for room, _ in kept if room in heads}

    async def _apply(self, some: Sequence[Said]) -> None:
        """What Postgres does not take, and never will, is left out."""
        try:
            if places := await self._reached.write(gather(some)):
                self._delivered(places)
        except ERRORS as error:
            if unavailable(error) is not None:
                raise
            if len(some) > 1:
                for one in some:
                    await self._apply([one])
            else:
                _refuse(some[0].taken, type(error).__name__)


def _too_old(kept: dict[tuple[str, bytes], Said], before: float) -> list[tuple[str, bytes]]:
    """Those taken before that time, and the oldest of too many."""
    spare = len(kept) - MOST_AHEAD
    return [key for at, (key, each) in enumerate(kept.items()) if each.since < before or at < spare]


def _refuse(one: Taken, reason: str) -> None:
    log.warning("receipts of the room %.170r that cannot be taken: %s", one.room, reason)
