"""What members acknowledge: taken from the stream, written in bulk, then told to who follows the rooms.

A message is confirmed to the stream when it was written and told; whatever ends the process before that, it
comes again, and changes nothing that is written already.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from chassis.outages import RETRY_SECONDS, Outages
from comments import receipts
from comments.acknowledgements import gather
from comments.database import ERRORS, Pool, unavailable
from comments.followers import Followers
from comments.receipts import Moved
from events import StreamError
from events.receipts import ReceiptStream, Taken

WAIT_SECONDS = 5.0
"""For a first message; then NATS is asked again."""

log = logging.getLogger(__name__)


class Intake:
    """Of one app; its replicas share what comes."""

    def __init__(
        self,
        pool: Pool,
        stream: ReceiptStream,
        followers: Followers,
        app: str,
        *,
        batch: int,
        replicas: int = 1,
    ) -> None:
        """`batch` messages are written at once; a cluster keeps `replicas` copies of the stream."""
        self._pool = pool
        self._stream = stream
        self._followers = followers
        self._app = app
        self._batch = batch
        self._replicas = replicas
        self._outages = Outages("the intake of receipts", log)
        self.taken = 0
        """Messages."""
        self.moved = 0
        """Watermarks of members."""
        self.age = 0.0
        """How old, in seconds, the oldest of the last batch was when it was written; 0 if nothing waits."""

    async def run(self) -> None:
        """Take and write until cancelled."""
        there = False
        while True:
            try:
                if not there:
                    await self._stream.ensure_receipts(replicas=self._replicas)
                there = True
                await self._take()
            except StreamError as error:
                there = False
                self._outages.began("the stream", str(error))
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._outages.ended("the stream")

    async def _take(self) -> None:
        taken = await self._stream.take_receipts(
            self._app, f"comments-{self._app}", self._batch, WAIT_SECONDS
        )
        if not taken:
            self.age = 0.0
            return
        moved: list[Moved] = []
        while not await self._outages.attempt(partial(self._write, taken, moved)):
            taken = [replace(one, again=True) for one in taken]  # it may have been written all the same
        await self._followers.tell(moved)
        await self._stream.confirm_receipts(taken)
        self.taken += len(taken)
        self.moved += sum(len(each.receipts) for each in moved)

    async def _write(self, taken: Sequence[Taken], moved: list[Moved]) -> None:
        """Add who moved. A message that Postgres does not take is left out: it will never take it."""
        now = datetime.now(UTC)
        gathered = gather(taken, now)
        try:
            async for some in receipts.write(self._pool, self._app, gathered):
                moved += some
        except ERRORS as error:
            if unavailable(error) is not None:
                raise
            if len(taken) > 1:
                for one in taken:
                    await self._write([one], moved)
                return
            _refuse(taken[0], type(error).__name__)
        for one, reason in gathered.refused:
            _refuse(one, reason)
        self.age = (now - gathered.oldest).total_seconds()


def _refuse(one: Taken, reason: str) -> None:
    log.warning("receipts of the room %.170r that cannot be taken: %s", one.room, reason)
