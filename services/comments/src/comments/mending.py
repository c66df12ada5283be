"""Writes some rows of the projections anew, inside a transaction that holds the lock of their room's head."""

from collections.abc import Iterable, Mapping, Sequence

import asyncpg

from comments import scan
from comments.differences import COMMENT, column, compare, missing
from comments.folds import Fold
from comments.scan import RoomRow
from comments.views import Comment, Member


async def comments(connection: asyncpg.Connection, room: RoomRow, offsets: Sequence[int]) -> int:
    """What the log says now of the comments at these offsets; how many were not so."""
    expected = await _folded(connection, room, offsets)
    rows = await connection.fetch(_COMMENTS, room.key, offsets)
    found = [*compare(expected, (((room.key, row["offset"]), row) for row in rows)), *missing(expected)]
    wrong = [each for each in found if not await scan.rightly_keyless(connection, each)]
    right = [each.expected for each in wrong if each.expected is not None]
    gone = [each.actual["id"] for each in wrong if each.actual is not None]
    await connection.execute(
        "delete from comments.comments where id = any($1)", [*gone, *(c.id for c in right)]
    )
    right = await _with_keys(connection, room.key, sorted(right, key=lambda comment: comment.offset))
    await connection.executemany(_INSERT_COMMENT, [(room.key, *_values(comment)) for comment in right])
    return len(wrong)


async def members(
    connection: asyncpg.Connection, key: int, folded: Mapping[str, Member], users: Sequence[str]
) -> int:
    """Of these users, those who should be members are, and the others are not; how many were not so."""
    expected = {(key, user): folded[user] for user in users if user in folded}
    rows = await connection.fetch(_MEMBERS, key, users)
    found = [*compare(expected, (((key, row["user"]), row) for row in rows)), *missing(expected)]
    await connection.execute(_DELETE_MEMBERS, key, [each.place for each in found])
    right = [each.expected for each in found if each.expected is not None]
    values = [(key, member.user, member.name, member.avatar, member.joined_at) for member in right]
    await connection.executemany(_INSERT_MEMBER, values)
    return len(found)


async def _folded(
    connection: asyncpg.Connection, room: RoomRow, offsets: Sequence[int]
) -> dict[tuple[int, int], Comment]:
    fold = Fold(room.id)
    for row in await connection.fetch(_POSTED, room.key, offsets):
        if (event := scan.readable(row["data"])) is not None:
            fold.take(event)
    posted = fold.posted()
    await scan.change_all(connection, {room.key: posted})
    return {(room.key, comment.offset): comment for comment in posted.values()}


async def _with_keys(connection: asyncpg.Connection, key: int, ordered: Iterable[Comment]) -> list[Comment]:
    """A key that an earlier comment has is left to it; a later one that has it loses it."""
    ordered = list(ordered)
    asked = [(comment.author, comment.client_id) for comment in ordered if comment.client_id is not None]
    rows = await connection.fetch(_KEYS, key, [author for author, _ in asked], [name for _, name in asked])
    holders = {(row["author"], row["client_id"]): row["offset"] for row in rows}
    kept, lost = [], []
    for comment in ordered:
        name = (comment.author, comment.client_id)
        holder = holders.get(name)
        if holder is not None and holder < comment.offset:
            kept.append(comment.model_copy(update={"client_id": None}))
            continue
        if holder is not None:
            lost.append(holder)
        if comment.client_id is not None:
            holders[name] = comment.offset
        kept.append(comment)
    await connection.execute(_LOSE_KEY, key, lost)
    return kept


def _values(comment: Comment) -> tuple[object, ...]:
    return tuple(column(comment, name) for name in COMMENT)


_POSTED = """
    select data from comments.events
    where room = $1 and "offset" = any($2) and type = 'comment.posted' order by "offset"
"""
_COMMENTS = 'select * from comments.comments where room = $1 and "offset" = any($2) order by "offset"'
# Whatever is wrong with the numbers is put right afterwards; here they go on from the one before.
_INSERT_COMMENT = f"""
    insert into comments.comments (room, {", ".join(f'"{name}"' for name in COMMENT)}, number, author_number)
    values ({", ".join(f"${number}" for number in range(1, len(COMMENT) + 2))},
        coalesce((
            select number from comments.comments
            where room = $1 and "offset" < ${COMMENT.index("offset") + 2} order by "offset" desc limit 1
        ), 0) + 1,
        coalesce((
            select author_number from comments.comments
            where room = $1 and author = ${COMMENT.index("author") + 2}
            and "offset" < ${COMMENT.index("offset") + 2} order by "offset" desc limit 1
        ), 0) + 1)
"""  # noqa: S608  our own column names
_KEYS = """
    select author, client_id, "offset"
    from unnest($2::text[], $3::text[]) as asked (author, client_id)
    join comments.comments as comment using (author, client_id) where comment.room = $1
"""
_LOSE_KEY = 'update comments.comments set client_id = null where room = $1 and "offset" = any($2)'
_MEMBERS = 'select * from comments.members where room = $1 and "user" = any($2)'
_DELETE_MEMBERS = 'delete from comments.members where room = $1 and "user" = any($2)'
_INSERT_MEMBER = """
    insert into comments.members (room, "user", name, avatar, joined_at) values ($1, $2, $3, $4, $5)
"""
