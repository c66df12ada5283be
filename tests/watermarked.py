"""Rooms with members, and how far these are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from comments.acknowledgements import gather
from comments.commands import Command, Join, Leave, PostComment
from comments.database import Pool
from comments.ids import uuid7
from comments.log import Outcome
from comments.postgres import PostgresLog
from comments.receipts import Moved, write
from events.receipts import Receipt, Receipts, Taken


def join(user: str, room: str = "a") -> Join:
    return Join(room=room, actor=user, user=user, name=f"name of {user}")


def leave(user: str, room: str = "a") -> Leave:
    return Leave(room=room, actor=user, user=user)


def post(user: str = "u1", room: str = "a") -> PostComment:
    return PostComment(room=room, actor=user, comment=uuid7(), body="x", author_name=f"name of {user}")


@dataclass
class Rooms:
    """Of one app."""

    pool: Pool
    app: str

    async def do(self, *commands: Command) -> None:
        for outcome in await PostgresLog(self.pool, self.app).append(commands):
            assert isinstance(outcome, Outcome), outcome

    async def write(self, *taken: Taken, now: datetime) -> list[Moved]:
        return [one async for some in write(self.pool, self.app, gather(taken, now)) for one in some]

    async def moved(self, *taken: Taken, now: datetime) -> list[tuple[str, int, int]]:
        """Write, and say who moved where."""
        written = [each for room in await self.write(*taken, now=now) for each in room.receipts]
        return sorted((each.user, each.delivered, each.read) for each in written)

    async def marks(self, room: str = "a") -> dict[str, tuple[int, int]]:
        """Of each member: delivered, read."""
        rows = await self.pool.fetch(
            """
            select "user", delivered, read from comments.receipts as receipt
            join comments.rooms as room on room.key = receipt.room where app = $1 and id = $2
            order by "user"
            """,
            self.app,
            room,
        )
        return {row["user"]: (row["delivered"], row["read"]) for row in rows}

    async def epoch(self, room: str = "a") -> str:
        query = "select epoch from comments.rooms where app = $1 and id = $2"
        return str(await self.pool.fetchval(query, self.app, room))

    async def fill(self, room: str, members: int) -> None:
        """Make so many members of it, from `m0000` on, and put the head at 1,000."""
        await self.do(join("m0000", room))
        key = await self.pool.fetchval(
            "update comments.rooms set head = 1000 where app = $1 and id = $2 returning key", self.app, room
        )
        users = [f"m{number:04}" for number in range(1, members)]
        await self.pool.execute(
            """
            with member as (
                insert into comments.members (room, "user", joined_at) select $1, "user", now()
                from unnest($2::text[]) as "user" returning room, "user"
            )
            insert into comments.receipts (room, "user", delivered, read)
            select room, "user", 1, 1 from member
            """,
            key,
            users,
        )


def message(
    at: datetime,
    *receipts: tuple[str, int, int],
    room: str = "a",
    epoch: str | None = None,
    again: bool = False,
) -> Taken:
    """As the stream brings it; users, with what they were delivered and have read."""
    return Taken(room, encoded(at, receipts, epoch), "", again)


def encoded(at: datetime, receipts: Sequence[tuple[str, int, int]], epoch: str | None = None) -> bytes:
    said = [Receipt(user=user, delivered=delivered, read=read) for user, delivered, read in receipts]
    return Receipts(epoch=epoch, at=at, receipts=said).encode()
