"""After an older backup was put back: the log gets a new epoch, so that nobody takes it for what it was.

The backup knows less than clients have seen, and will give the same offsets to other events. Under a new
epoch these are other offsets: whoever comes back is told that their position cannot be resumed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from comments import scan
from comments.migrate import SCHEMA
from comments.refill import doubt
from events import Wire, subjects


@dataclass(frozen=True, slots=True)
class Standing:
    """What the log has."""

    epoch: str
    apps: Sequence[str]
    rooms: int
    events: int
    newest: datetime | None
    """When the last event happened."""


async def standing(url: str) -> Standing:
    """Look, and change nothing. Raise asyncpg's errors or `OSError`."""
    connection = await scan.connect(url, "parley log restored")
    try:
        row = await connection.fetchrow(_STANDING)
        assert row is not None
        return Standing(apps=await scan.apps(connection), **row)
    finally:
        await connection.close()


async def begin_epoch(url: str) -> str:
    """Give the log and every room a new epoch, in one transaction; return it.

    Nothing waits for the stream any more: the whole log is to be published again, and every partition is in
    doubt until it is. Nobody has read what is not there. Writers wait meanwhile. Raise asyncpg's errors,
    `OSError` or `MigrationError`.
    """
    connection = await scan.connect(url, "parley log restored")
    try:
        await SCHEMA.migrate(connection)
        async with connection.transaction():
            await connection.execute("lock table comments.rooms, comments.receipts in exclusive mode")
            epoch = await connection.fetchval("update comments.log set epoch = default returning epoch")
            await connection.execute("update comments.rooms set epoch = $1", epoch)
            await connection.execute(_LOWER)
            await connection.execute("delete from comments.outbox")
            await doubt(connection)
        return str(epoch)
    finally:
        await connection.close()


async def tell(wire: Wire, apps: Sequence[str], epoch: str) -> None:
    """Those who run: what they know of rooms is of another epoch. Raise `StreamError`."""
    for app in apps:
        await wire.send(subjects.restored(app), epoch.encode())


_STANDING = """
    select log.epoch, count(room.key) as rooms, coalesce(sum(room.head), 0)::bigint as events,
        max(event.at) as newest
    from comments.log left join comments.rooms as room on true
    left join comments.events as event on event.room = room.key and event."offset" = room.head
    group by log.epoch
"""
_LOWER = """
    update comments.receipts as receipt set
        delivered = least(delivered, head),
        read = least(read, head),
        delivered_moves = array(
            select least(move, head) from unnest(delivered_moves) with ordinality as kept (move, n) order by n
        ),
        read_moves = array(
            select least(move, head) from unnest(read_moves) with ordinality as kept (move, n) order by n
        )
    from comments.rooms as room where room.key = receipt.room and receipt.delivered > room.head
"""
