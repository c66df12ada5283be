"""How far the members of rooms are, read: for the status of comments, and for who follows a room."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from comments.counting import count
from comments.database import Pool, asking, fetch
from comments.questions import Questions, Turns
from comments.views import Comment, CommentAnswer, CommentReceipt
from comments.watermarks import Audience, Moves, Reached, Receipts
from events import Wire, subjects
from events.receipts import LISTED, MemberReceipt, WatermarksAnswer, WatermarksRequest


@dataclass(frozen=True, slots=True)
class Others:
    """Current members beside the author who count for a comment, and how many of them it has reached."""

    members: int
    delivered: int
    read: int


class Audiences:
    """Of the rooms of one app. Every method raises `Unavailable` when Postgres is away."""

    def __init__(self, pool: Pool, app: str) -> None:
        self._pool = pool
        self._app = app

    async def answers(self, comments: Sequence[Comment]) -> list[CommentAnswer]:
        """The comments, which are of one room, with what became of them: one question, however many."""
        if not comments:
            return []
        rows = await fetch(self._pool, _AUDIENCE, self._app, comments[0].room)
        audience = Audience([_reached(row) for row in rows], timed=all(row["timed"] for row in rows))
        return [CommentAnswer.of(each, _receipts(audience, each)) for each in comments]

    async def answer(self, comment: Comment) -> CommentAnswer:
        [answer] = await self.answers([comment])
        return answer

    async def others(self, comment: Comment) -> Others:
        [row] = await fetch(self._pool, _OTHERS, self._app, comment.room, comment.author, comment.offset)
        return Others(**row)

    async def receipts(self, comment: Comment, after: str, limit: int) -> list[CommentReceipt]:
        """Of members beside the author, by user id, following `after`."""
        asked = (self._app, comment.room, comment.author, comment.offset, after, limit)
        rows = await fetch(self._pool, _RECEIPTS, *asked)
        return [_receipt(row, comment) for row in rows]

    async def watermarks(self, room: str) -> WatermarksAnswer:
        rows = await fetch(self._pool, _WATERMARKS, self._app, room, LISTED + 1)
        listed = [
            MemberReceipt(
                user=row["user"], delivered=row["delivered"], read=row["read"], newcomer=row["newcomer"]
            )
            for row in rows
            if row["user"] is not None
        ]
        if len(listed) <= LISTED:
            return WatermarksAnswer(epoch=rows[0]["epoch"], members=len(listed), receipts=listed)
        return await self._large(rows[0]["key"], listed[:LISTED])

    async def _large(self, key: int, listed: list[MemberReceipt]) -> WatermarksAnswer:
        with asking():
            [found] = (await count(self._pool, [key])).values()
        return WatermarksAnswer(
            epoch=found.epoch, members=found.members, receipts=listed, counts=found.counts
        )


def watermarks_of(audiences: Audiences, wire: Wire, app: str, turns: Turns) -> Questions[WatermarksRequest]:
    """Answers `comments.receipts`."""

    async def find(asked: WatermarksRequest) -> bytes:
        return (await audiences.watermarks(asked.room)).encode()

    return Questions(wire, app, turns, subjects.WATERMARKS, WatermarksRequest, find)


def _receipts(audience: Audience, comment: Comment) -> Receipts:
    return audience.receipts(comment.author, comment.offset, comment.created_at)


def _receipt(row: asyncpg.Record, comment: Comment) -> CommentReceipt:
    alone = _receipts(Audience([_reached(row)]), comment)
    return CommentReceipt(
        user=row["user"], name=row["name"], delivered_at=alone.delivered_at, read_at=alone.read_at
    )


def _reached(row: asyncpg.Record) -> Reached:
    return Reached(row["user"], _moves(row, "delivered"), _moves(row, "read"), row["newcomer"])


def _moves(row: asyncpg.Record, watermark: str) -> Moves:
    offsets, times = row[f"{watermark}_moves"], row[f"{watermark}_times"]
    return Moves(offsets[::-1], times[::-1]) if offsets else Moves((row[watermark],), (row["since"],))


_ROOM = "(select key from comments.rooms where app = $1 and id = $2)"
_ALL = f"""
    (select count(*) <= {LISTED} from (
        select from comments.receipts where room = {_ROOM} limit {LISTED + 1}
    ) as listed)
"""  # noqa: S608  a number of our own
_LAST = f"""
    select "user", delivered, read, newcomer, since,
        null::bigint[] as delivered_moves, null::timestamptz[] as delivered_times,
        null::bigint[] as read_moves, null::timestamptz[] as read_times, false as timed
    from comments.receipts where room = {_ROOM} and not {_ALL}
"""  # noqa: S608
# Whoever the author is, the last of the others is one of the last two; and if there are others who count, one
# is among two who have read something and the two newcomers who have been there for longest.
_AUDIENCE = f"""
    select "user", delivered, read, newcomer, since,
        delivered_moves, delivered_times, read_moves, read_times, true as timed
    from comments.receipts where room = {_ROOM} and {_ALL}
    union all ({_LAST} order by delivered limit 2)
    union all ({_LAST} order by read limit 2)
    union all ({_LAST} and not newcomer limit 2)
    union all ({_LAST} and newcomer order by read limit 2)
"""  # noqa: S608
_COUNT = "not (newcomer and read >= $4)"
_OTHERS = f"""
    with own as (
        select delivered, read from comments.receipts where room = {_ROOM} and "user" = $3 and {_COUNT}
    )
    select
        (select count(*) from comments.receipts where room = {_ROOM})
            - (select count(*) from comments.receipts where room = {_ROOM} and newcomer and read >= $4)
            - (select count(*) from own) as members,
        (select count(*) from comments.receipts where room = {_ROOM} and delivered >= $4 and {_COUNT})
            - (select count(*) from own where delivered >= $4) as delivered,
        (select count(*) from comments.receipts where room = {_ROOM} and read >= $4 and {_COUNT})
            - (select count(*) from own where read >= $4) as read
"""  # noqa: S608
_RECEIPTS = f"""
    select receipt.*, member.name from comments.receipts as receipt
    left join comments.members as member on member.room = receipt.room and member."user" = receipt."user"
    where receipt.room = {_ROOM} and receipt."user" <> $3 and {_COUNT} and receipt."user" > $5
    order by receipt."user" limit $6
"""  # noqa: S608
_WATERMARKS = """
    select room.key, coalesce(room.epoch, log.epoch) as epoch, receipt.*
    from comments.log left join comments.rooms as room on room.app = $1 and room.id = $2
    left join lateral (
        select "user", delivered, read, newcomer from comments.receipts where room = room.key
        order by "user" limit $3
    ) as receipt on true
    order by "user"
"""
