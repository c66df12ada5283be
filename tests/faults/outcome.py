"""What is left when a run is over: the log in Postgres, and the stream."""

import json
from collections.abc import AsyncIterator

import asyncpg
import nats
from faults.history import Logged, Streamed, digest
from nats.js.errors import NotFoundError

from events import received, subjects

WAIT = 10.0
"""Seconds for the next message of a stream that says it has more."""


async def heads(database_url: str) -> tuple[dict[str, int], int]:
    """The offset of each room's newest event, and how many events still wait in the outbox."""
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch("select id, head from comments.rooms where head > 0")
        waiting = await connection.fetchval("select count(*) from comments.outbox")
    finally:
        await connection.close()
    return {row["id"]: row["head"] for row in rows}, waiting


async def log(database_url: str) -> AsyncIterator[Logged]:
    """The rooms one after the other, each in order."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            async for row in connection.cursor(_LOG):
                event = json.loads(row["data"])
                yield Logged(
                    row["name"],
                    row["epoch"],
                    row["offset"],
                    str(row["id"]),
                    digest(row["data"].encode()),
                    event["comment"] if row["type"] == "comment.posted" else None,
                    event.get("clientId"),
                )
    finally:
        await connection.close()


_LOG = """
    select room.id as name, room.epoch, event."offset", event.id, event.type, event.data
    from comments.events as event join comments.rooms as room on room.key = event.room
    order by room.id, event."offset"
"""


async def held(nats_url: str) -> int:
    """How many messages the stream has; none if there is no stream."""
    async with await nats.connect(nats_url, allow_reconnect=False) as client:
        try:
            found = await client.jetstream().stream_info(subjects.STREAM)
        except NotFoundError:
            return 0
    return found.state.messages


async def stream(nats_url: str) -> AsyncIterator[Streamed]:
    """In order of sequence."""
    count = await held(nats_url)
    async with await nats.connect(nats_url, allow_reconnect=False) as client:
        if count:
            messages = await client.jetstream().subscribe(subjects.EVENTS, ordered_consumer=True)
        for _ in range(count):
            message = await messages.next_msg(timeout=WAIT)
            event = received(message.subject, message.headers, message.data)
            sequence = message.metadata.sequence.stream
            yield Streamed(event.room, event.epoch, event.offset, str(event.id), sequence)
