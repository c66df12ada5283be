"""Watermarks of members, written: they only grow, and never beyond the room's head.

Rows are locked in the order of room and user, by every process, so that none waits for another for ever.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

import asyncpg

from comments.acknowledgements import Gathered, Whose
from comments.database import Pool
from events.receipts import LISTED, MemberReceipt

KEPT = 16
"""Moves of a watermark whose times are known; a time asked for earlier ones is that of the oldest kept."""

ROWS = 2_000
"""In one statement, which takes 0.1 to 0.3 s on a busy machine."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Members of a room whose watermarks moved, or may have moved before, and where they are now."""

    key: int
    """The room's."""
    room: str
    epoch: str
    members: int
    """Of the room; `LISTED` + 1 stands for any number above."""
    receipts: Sequence[MemberReceipt]


async def write(pool: Pool, app: str, gathered: Gathered) -> AsyncIterator[list[Moved]]:
    """Commit it, and say part by part who moved; no members and offsets of another epoch change nothing.

    Raise one of `database.ERRORS`: all may be written again.
    """
    for some in _statements(gathered):
        yield [_moved(row) for row in await pool.fetch(_WRITE, app, *_columns(gathered, some))]


def _moved(row: asyncpg.Record) -> Moved:
    receipts = [
        MemberReceipt(user=user, delivered=delivered, read=read, newcomer=newcomer)
        for user, delivered, read, newcomer in zip(
            row["users"], row["delivered"], row["read"], row["newcomers"], strict=True
        )
    ]
    return Moved(row["key"], row["room"], row["epoch"], row["members"], receipts)


def _statements(gathered: Gathered) -> Iterator[Sequence[Whose]]:
    """A statement changes a row once, so what is of a known epoch and what is of none are apart."""
    known = [whose for whose in gathered.acknowledged if whose.epoch is not None]
    unknown = [whose for whose in gathered.acknowledged if whose.epoch is None]
    for part in (known, unknown):
        for start in range(0, len(part), ROWS):
            yield part[start : start + ROWS]


def _columns(gathered: Gathered, some: Sequence[Whose]) -> list[list[object]]:
    rows = []
    for whose in some:
        new = gathered.acknowledged[whose]
        moves = (new.delivered.offset, new.delivered.at, new.read.offset, new.read.at)
        rows.append((*whose, *moves, whose in gathered.again))
    return [list(column) for column in zip(*rows, strict=True)]


def _moves(watermark: str) -> str:
    """What its columns become when the watermark moves.

    The place where it began is kept first, but not of what a newcomer has read: they begin to count, for
    what was said before as well, with what they read first.
    """

    def kept(values: str, new: str, began: str) -> str:
        column = f"receipt.{watermark}_{values}"
        return f"""
            {watermark}_{values} = case
                when receipt.newcomer and locked.read > 0 and '{watermark}' = 'read' then array[{new}]
                when locked.{watermark} <= receipt.{watermark} then {column}
                else ({new} || case {column} when '{{}}' then array[{began}] else {column} end)[1:{KEPT}]
            end
        """

    highest = f"greatest(receipt.{watermark}, locked.{watermark})"
    offsets = kept("moves", highest, f"receipt.{watermark}")
    return f"{watermark} = {highest}, {offsets}, {kept('times', f'locked.{watermark}_at', 'receipt.since')}"


_WRITE = f"""
    with asked as (
        select room.key, room.id, room.epoch, one."user",
            least(one.delivered, room.head) as delivered, one.delivered_at,
            least(one.read, room.head) as read, one.read_at, one.again
        from unnest(
            $2::text[], $3::text[], $4::text[],
            $5::bigint[], $6::timestamptz[], $7::bigint[], $8::timestamptz[], $9::boolean[]
        ) as one (room, "user", epoch, delivered, delivered_at, read, read_at, again)
        join comments.rooms as room
            on room.app = $1 and room.id = one.room and room.epoch = coalesce(one.epoch, room.epoch)
    ),
    locked as (
        select asked.* from asked
        join comments.receipts as receipt on receipt.room = asked.key and receipt."user" = asked."user"
        where asked.delivered > receipt.delivered or asked.read > receipt.read or asked.again
            or receipt.newcomer and asked.read > 0
        order by receipt.room, receipt."user"
        for no key update of receipt
    ),
    moved as (
        update comments.receipts as receipt set {_moves("delivered")}, {_moves("read")},
            newcomer = receipt.newcomer and locked.read = 0
        from locked where receipt.room = locked.key and receipt."user" = locked."user"
            and (
                locked.delivered > receipt.delivered or locked.read > receipt.read or locked.again
                or receipt.newcomer and locked.read > 0
            )
        returning locked.key, locked.id as room, locked.epoch,
            receipt."user", receipt.delivered, receipt.read, receipt.newcomer
    )
    select key, room, epoch,
        (
            select count(*) from (
                select from comments.receipts where room = moved.key limit {LISTED + 1}
            ) as listed
        ) as members,
        array_agg("user") as users, array_agg(delivered) as delivered, array_agg(read) as read,
        array_agg(newcomer) as newcomers
    from moved group by key, room, epoch order by key
"""  # noqa: S608  our own column names
