"""The stream beside the log: what each holds of an app, room by room."""

import asyncio
from collections import defaultdict
from contextlib import aclosing

import asyncpg

from comments import marks, outbox
from comments.database import Pool
from comments.postgres import PARTITIONS
from events import subjects
from events.reading import reading

Rooms = dict[str, list[tuple[str, int]]]
"""Epoch and offset of each event, in order, by room."""


async def stream_of(url: str, app: str) -> Rooms:
    rooms: Rooms = defaultdict(list)
    async with reading(url) as reader, aclosing(reader.pages(app)) as pages:
        async for page, _ in pages:
            for message in page:
                given = message.headers
                place = given.get("ce-epoch", "none"), int(given.get("ce-offset", 0))
                rooms[subjects.parts(message.subject)[1]].append(place)
    return rooms


async def log_of(connection: Pool | asyncpg.Connection, app: str) -> Rooms:
    rooms: Rooms = defaultdict(list)
    for row in await connection.fetch(_LOG, app):
        rooms[row["id"]].append((row["epoch"], row["offset"]))
    return rooms


async def quiet(pool: Pool, *, within: float = 30) -> None:
    """Wait until the stream was found to be the log: nothing is in doubt, and nothing waits."""
    async with asyncio.timeout(within):
        while (await marks.progress(pool, range(PARTITIONS)))[0] or await outbox.count(
            pool, range(PARTITIONS)
        ):
            await asyncio.sleep(0.02)


_LOG = """
    select room.id, room.epoch, event."offset" from comments.events as event
    join comments.rooms as room on room.key = event.room
    where room.app = $1 order by event.room, event."offset"
"""
