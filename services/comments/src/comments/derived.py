"""What is kept beside the projections so that nothing has to be counted: where it is not as they say.

These are the numbers of comments, the tallies of those that were deleted, the index of mentions, and the
receipts, of which each member has one row. Postgres compares, and keeps what it finds on its side.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal

import asyncpg

from comments.findings import shown

PAGE = 500
"""Rows fetched at once, and mended under one lock."""

Kind = Literal["deletions", "mentions", "receipts"]


@dataclass(frozen=True, slots=True)
class Misnumbered:
    """A room whose comments do not count 1, 2, 3 …, of all and of each author."""

    key: int
    count: int
    first: int
    """Offset of the first comment that has a wrong number."""

    def said(self) -> str:
        return f"comments have other numbers than they should, {self.count} from this one on"


@dataclass(frozen=True, slots=True)
class Wrong:
    """A row that should have another value, or is missing, or should not be."""

    kind: Kind
    room: int
    level: int
    """Of a tally; else 0."""
    user: str
    """Whose deleted comments are tallied (empty: everybody's); who is mentioned; whose receipts they are."""
    place: int
    """The bucket of a tally, the offset of a mention; else 0."""
    actual: int | None
    expected: int | None

    @property
    def offset(self) -> int | None:
        return self.place if self.kind == "mentions" else None

    def said(self) -> str:
        user = shown(self.user)
        if self.kind == "deletions":
            where = f"of {user} at level {self.level}, bucket {self.place}"
            values = f"is {shown(self.actual)}, the comments say {shown(self.expected)}"
            return f"the tally of deleted comments {where} {values}"
        what = f"the mention of {user}" if self.kind == "mentions" else f"the receipts of {user}"
        return f"{what}: the row is missing" if self.expected else f"{what}: the row should not be there"


async def misnumbered(connection: asyncpg.Connection, keys: Sequence[int]) -> list[Misnumbered]:
    """Of the rooms with these keys."""
    return [Misnumbered(**row) for row in await connection.fetch(_MISNUMBERED, keys)]


async def wrong(
    connection: asyncpg.Connection, kind: Kind, keys: Sequence[int]
) -> AsyncIterator[list[Wrong]]:
    """Rows of the rooms with these keys; each list is of one room and one level, the lowest level first."""
    await connection.execute(f"declare {kind} cursor with hold for {_WRONG[kind]}", keys)
    try:
        some: list[Wrong] = []
        while rows := await connection.fetch(f"fetch {PAGE} from {kind}"):
            for each in (Wrong(kind, **row) for row in rows):
                if some and (len(some) == PAGE or (some[0].room, some[0].level) != (each.room, each.level)):
                    yield some
                    some = []
                some.append(each)
        if some:
            yield some
    finally:
        await connection.execute(f"close {kind}")


_MISNUMBERED = """
    select room as key, count(*) as count, min("offset") as first
    from (
        select room, "offset", number, author_number,
            row_number() over (partition by room order by "offset") as place,
            row_number() over (partition by room, author order by "offset") as author_place
        from comments.comments where room = any($1)
    ) as counted
    where (number, author_number) <> (place, author_place)
    group by room order by room
"""
_WRONG: dict[Kind, str] = {
    "deletions": """
        select room, level, author as "user", bucket as place,
            actual.count as actual, counted.count as expected
        from (
            select room, whose.author, level, "offset" >> 6 * level as bucket, count(*) as count
            from comments.comments as comment
            cross join lateral (values (''), (comment.author)) as whose (author)
            cross join generate_series(0, 10) as level
            where room = any($1) and deleted_at is not null and "offset" >> 6 * level > 0
            group by 1, 2, 3, 4
        ) as counted
        full join (select * from comments.deletions where room = any($1)) as actual
            using (room, author, level, bucket)
        where counted.count is distinct from actual.count
        order by room, level, author, bucket
    """,
    "mentions": """
        select room, 0 as level, "user", "offset" as place, actual.there as actual, named.there as expected
        from (
            select distinct room, mention ->> 'user' as "user", "offset", 1 as there
            from comments.comments cross join lateral jsonb_array_elements(
                case jsonb_typeof(mentions) when 'array' then mentions end
            ) as mention
            where room = any($1) and mentions <> '[]' and mention ->> 'user' <> author
        ) as named
        full join (select *, 1 as there from comments.mentions where room = any($1)) as actual
            using (room, "user", "offset")
        where named.there is null or actual.there is null
        order by room, "offset", "user"
    """,
    "receipts": """
        select room, 0 as level, "user", 0 as place, actual.there as actual, member.there as expected
        from (select room, "user", 1 as there from comments.members where room = any($1)) as member
        full join (select room, "user", 1 as there from comments.receipts where room = any($1)) as actual
            using (room, "user")
        where member.there is null or actual.there is null
        order by room, "user"
    """,
}
KINDS = tuple(_WRONG)
