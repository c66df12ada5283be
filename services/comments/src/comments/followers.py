"""Who follows rooms is told which members moved, and in large rooms how many are how far.

It may be lost: followers ask again when their connection to NATS is back.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from functools import partial

from chassis.outages import Outages
from comments.counting import Counted, count
from comments.database import Pool
from comments.paces import Paces
from comments.receipts import Moved
from events import StreamError, Wire, subjects
from events.receipts import LISTED, MemberReceipt, Watermarks

TOLD = 1_000
"""Members in one message: of those with the longest ids, half of what NATS takes by default."""

ROOMS = 100
"""Counted in one statement."""

log = logging.getLogger(__name__)


class Followers:
    """Of the rooms of one app."""

    def __init__(self, pool: Pool, wire: Wire, app: str) -> None:
        self._pool = pool
        self._wire = wire
        self._app = app
        self._paces = Paces()
        self._some = asyncio.Event()
        self._outages = Outages("who follows rooms", log)

    async def tell(self, moved: Sequence[Moved]) -> None:
        """Those who moved, at once; of one who moved twice, the last is told."""
        rooms: dict[int, list[Moved]] = defaultdict(list)
        for each in moved:
            rooms[each.key].append(each)
        now = asyncio.get_running_loop().time()
        large = [key for key, parts in rooms.items() if parts[-1].members > LISTED]
        counted = await self._count([key for key in large if self._paces.may(key, now)])
        for key, parts in rooms.items():
            receipts = {receipt.user: receipt for part in parts for receipt in part.receipts}
            await self._tell(parts[-1], list(receipts.values()), counted.get(key))
        self._some.set()

    async def run(self) -> None:
        """Tell the counts that are owed, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._some.clear()
            for found in (await self._count(self._paces.owed(loop.time()))).values():
                await self._send(found.room, _told(found, []))
            try:
                async with asyncio.timeout_at(self._paces.next()):
                    await self._some.wait()
            except TimeoutError:
                continue

    async def _tell(self, room: Moved, receipts: Sequence[MemberReceipt], counted: Counted | None) -> None:
        members = room.members if room.members <= LISTED else self._paces.members(room.key) or room.members
        uncounted = Counted(room.room, room.epoch, members, None)
        for start in range(0, len(receipts), TOLD):
            last = start + TOLD >= len(receipts)
            found = counted if counted is not None and last else uncounted
            await self._send(room.room, _told(found, receipts[start : start + TOLD]))

    async def _send(self, room: str, watermarks: Watermarks) -> None:
        try:
            await self._wire.send(subjects.watermarks(self._app, room), watermarks.encode())
        except StreamError as error:
            self._outages.began("NATS", str(error))
        else:
            self._outages.ended("NATS")

    async def _count(self, keys: Sequence[int]) -> dict[int, Counted]:
        """What can be counted now; the others are owed."""
        loop = asyncio.get_running_loop()
        counted: dict[int, Counted] = {}
        for start in range(0, len(keys), ROOMS):
            some = keys[start : start + ROOMS]
            if await self._outages.attempt(partial(self._add, counted, some)):
                self._paces.told({key: counted[key].members for key in some if key in counted}, loop.time())
            else:
                self._paces.owe(some, loop.time())
        return counted

    async def _add(self, counted: dict[int, Counted], keys: Sequence[int]) -> None:
        counted.update(await count(self._pool, keys))


def _told(found: Counted, moved: Sequence[MemberReceipt]) -> Watermarks:
    return Watermarks(epoch=found.epoch, members=found.members, moved=list(moved), counts=found.counts)
