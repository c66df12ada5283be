"""How many members of a room are how far, read by index, and of the newest watermarks only."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from comments.database import Pool
from comments.watermarks import STEPS, steps
from events.receipts import Counts


@dataclass(frozen=True, slots=True)
class Counted:
    room: str
    epoch: str
    members: int
    counts: Counts | None
    """`None` if only the number of members is known."""


async def count(pool: Pool, keys: Sequence[int]) -> dict[int, Counted]:
    """By the room's key. Raise one of `database.ERRORS`."""
    rooms: dict[int, tuple[str, str]] = {}
    at: dict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
    for row in await pool.fetch(_COUNTS, keys):
        rooms[row["key"]] = row["id"], row["epoch"]
        at[row["key"], row["what"]].append((row["offset"], row["members"]))
    return {
        key: Counted(
            *room,
            members=at[key, "members"][0][1],
            counts=Counts(delivered=steps(at[key, "delivered"]), read=steps(at[key, "read"])),
        )
        for key, room in rooms.items()
    }


_COUNTS = f"""
    select room.key, room.id, room.epoch, step.*
    from comments.rooms as room cross join lateral (
        (
            select 'delivered' as what, delivered as "offset", count(*) as members
            from comments.receipts where room = room.key
            group by delivered order by delivered desc limit {STEPS}
        )
        union all
        (
            select 'read', read, count(*)
            from comments.receipts where room = room.key
            group by read order by read desc limit {STEPS}
        )
        union all
        select 'members', 0, count(*) from comments.receipts where room = room.key
    ) as step
    where room.key = any($1::bigint[])
"""  # noqa: S608  a number of our own
