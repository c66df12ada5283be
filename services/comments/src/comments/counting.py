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
    lowest: dict[tuple[int, str], tuple[int, int]] = {}
    for row in await pool.fetch(_COUNTS, keys):
        rooms[row["key"]] = row["id"], row["epoch"]
        which, step = (row["key"], row["what"]), (row["offset"], row["members"])
        if row["lowest"]:
            lowest[which] = step
        else:
            at[which].append(step)

    def told(key: int, what: str) -> list[tuple[int, int]]:
        return steps(at[key, what], lowest.get((key, what)))

    return {
        key: Counted(
            *room,
            members=at[key, "members"][0][1],
            counts=Counts(
                delivered=told(key, "delivered"), read=told(key, "read"), newcomers=told(key, "newcomers")
            ),
        )
        for key, room in rooms.items()
    }


def _steps(what: str, watermark: str, whose: str) -> str:
    """How many are at each of the newest watermarks; and at the lowest one or beyond, which are all."""
    receipts = f"from comments.receipts where room = room.key {whose}"
    return f"""
        (
            select '{what}' as what, false as lowest, {watermark} as "offset", count(*) as members
            {receipts} group by {watermark} order by {watermark} desc limit {STEPS}
        )
        union all
        select '{what}', true, min({watermark}), count(*) {receipts} having count(*) > 0
    """


_COUNTS = f"""
    select room.key, room.id, room.epoch, step.*
    from comments.rooms as room cross join lateral (
        {_steps("delivered", "delivered", "")}
        union all {_steps("read", "read", "")}
        union all {_steps("newcomers", "read", "and newcomer")}
        union all select 'members', false, 0, count(*) from comments.receipts where room = room.key
    ) as step
    where room.key = any($1::bigint[])
"""  # noqa: S608  our own column names
