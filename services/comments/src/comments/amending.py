"""Writes some rows of what is derived anew, inside a transaction that holds the lock of their room's head."""

from collections.abc import Sequence

import asyncpg

from comments.derived import Kind, Wrong


async def renumber(
    connection: asyncpg.Connection, room: int, after: int, limit: int
) -> tuple[int | None, int]:
    """Number the next `limit` comments after an offset up to which all is right.

    The offset of the last of them, `None` if there are no more; and how many had another number.
    """
    row = await connection.fetchrow(_RENUMBER, room, after, limit)
    assert row is not None
    return row["last"], row["changed"]


async def rows(connection: asyncpg.Connection, found: Sequence[Wrong]) -> int:
    """Of one kind, one room and one level, those below being right: what they are to be now.

    How many were not so.
    """
    kind, room, level = found[0].kind, found[0].room, found[0].level
    users, places = [each.user for each in found], [each.place for each in found]
    values = {"deletions": (users, places, level), "mentions": (users, places), "receipts": (users,)}
    return int(await connection.fetchval(_MEND[kind], room, *values[kind]))


_RENUMBER = """
    with next as (
        select id, "offset", author, number, author_number from comments.comments
        where room = $1 and "offset" > $2 order by "offset" limit $3
    ),
    counted as (
        select id, number as former, author_number as author_former,
            row_number() over (order by "offset") + coalesce((
                select last.number from comments.comments as last
                where last.room = $1 and last."offset" <= $2 order by last."offset" desc limit 1
            ), 0) as number,
            row_number() over (partition by author order by "offset") + coalesce((
                select last.author_number from comments.comments as last
                where last.room = $1 and last.author = next.author and last."offset" <= $2
                order by last."offset" desc limit 1
            ), 0) as author_number
        from next
    ),
    changed as (
        update comments.comments as comment
        set number = counted.number, author_number = counted.author_number
        from counted
        where comment.id = counted.id and (former, author_former) <> (counted.number, counted.author_number)
        returning comment.id
    )
    select (select max("offset") from next) as last, (select count(*) from changed) as changed
"""
_MEND: dict[Kind, str] = {
    "deletions": """
        with expected as (
            select author, bucket, case $4::int
                when 0 then (
                    select count(*) from comments.comments as comment
                    where comment.room = $1 and comment."offset" = bucket and deleted_at is not null
                        and asked.author in ('', comment.author)
                )
                else (
                    select coalesce(sum(below.count), 0)::bigint from comments.deletions as below
                    where below.room = $1 and below.author = asked.author and below.level = $4 - 1
                        and below.bucket between asked.bucket * 64 and asked.bucket * 64 + 63
                ) end as count
            from unnest($2::text[], $3::bigint[]) as asked (author, bucket)
        ),
        gone as (
            delete from comments.deletions as tally using expected
            where tally.room = $1 and tally.level = $4 and tally.author = expected.author
                and tally.bucket = expected.bucket and expected.count = 0
            returning tally.room
        ),
        put as (
            insert into comments.deletions as tally (room, author, level, bucket, count)
            select $1, author, $4, bucket, count from expected where count > 0
            on conflict (room, author, level, bucket) do update set count = excluded.count
            where tally.count <> excluded.count
            returning tally.room
        )
        select (select count(*) from gone) + (select count(*) from put)
    """,
    "mentions": """
        with asked as (select * from unnest($2::text[], $3::bigint[]) as one ("user", "offset")),
        expected as (
            select distinct asked."user", asked."offset"
            from asked join comments.comments as comment
                on comment.room = $1 and comment."offset" = asked."offset" and author <> asked."user"
            cross join lateral jsonb_array_elements(mentions) as mention
            where mention ->> 'user' = asked."user"
        ),
        gone as (
            delete from comments.mentions as former using asked
            where former.room = $1 and former."user" = asked."user" and former."offset" = asked."offset"
                and (asked."user", asked."offset") not in (select "user", "offset" from expected)
            returning former.room
        ),
        put as (
            insert into comments.mentions (room, "user", "offset") select $1, "user", "offset" from expected
            on conflict do nothing
            returning room
        )
        select (select count(*) from gone) + (select count(*) from put)
    """,
    "receipts": """
        with expected as (
            select member."user", head from comments.rooms join comments.members as member on room = key
            where key = $1 and member."user" = any($2)
        ),
        gone as (
            delete from comments.receipts
            where room = $1 and "user" = any($2) and "user" not in (select "user" from expected)
            returning room
        ),
        put as (
            insert into comments.receipts (room, "user", delivered, read, newcomer)
            select $1, "user", head, head, true from expected
            on conflict do nothing
            returning room
        )
        select (select count(*) from gone) + (select count(*) from put)
    """,
}
