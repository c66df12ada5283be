"""The statements of `rooms.py`; $1 is the app."""

PLACE = "select epoch, head from notifier.rooms where app = $1 and room = $2"

MEET = """
    insert into notifier.rooms (app, room, epoch)
    select $1, n.room, n.epoch from unnest($2::text[], $3::text[]) as n (room, epoch)
    where not exists (select from notifier.rooms r where r.app = $1 and r.room = n.room)
    order by n.room
    on conflict (app, room) do nothing
"""

LOCK = (
    "select room, epoch, head from notifier.rooms where app = $1 and room = any($2) order by room for update"
)

LOCK_ONE = "select epoch from notifier.rooms where app = $1 and room = $2 for update"

ADVANCE = """
    update notifier.rooms r set head = n.head, title = case when n.titled then n.title else r.title end
    from unnest($2::text[], $3::bigint[], $4::boolean[], $5::text[]) as n (room, head, titled, title)
    where r.app = $1 and r.room = n.room
"""

MOVED = """
    delete from notifier.comments c
    using unnest($2::text[], $3::bigint[], $4::uuid[]) as n (room, "offset", id)
    where c.app = $1 and c.id = n.id and (c.room, c."offset") <> (n.room, n."offset")
"""
"""After a restore the same comment may have been sent again, and have got another offset."""

_MENTIONS = "array(select jsonb_array_elements_text(coalesce(n.mentions, '[]')::jsonb))"

POST = f"""
    insert into notifier.comments as c (
        app, room, "offset", id, event, author, author_name, author_avatar,
        body, mentions, urgent, at, trace, look_at, deleted
    )
    select $1, n.room, n."offset", n.id, n.event, n.author, n.author_name, n.author_avatar,
        n.body, {_MENTIONS}, n.urgent, n.at, n.trace, n.look_at, n.deleted
    from unnest(
        $2::text[], $3::bigint[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[],
        $9::text[], $10::text[], $11::boolean[], $12::timestamptz[], $13::text[], $14::timestamptz[],
        $15::boolean[]
    ) as n (
        room, "offset", id, event, author, author_name, author_avatar,
        body, mentions, urgent, at, trace, look_at, deleted
    )
    on conflict (app, room, "offset") do update set
        id = excluded.id, event = excluded.event, author = excluded.author,
        author_name = excluded.author_name, author_avatar = excluded.author_avatar,
        body = excluded.body, mentions = excluded.mentions, urgent = excluded.urgent, at = excluded.at,
        trace = excluded.trace, deleted = excluded.deleted,
        look_at = case when c.event = excluded.event then null else excluded.look_at end
"""  # noqa: S608  our own words
"""What is there already is of an earlier epoch; an event that the restored log still has was decided then."""

EDIT = f"""
    update notifier.comments c set body = n.body, mentions = {_MENTIONS}
    from unnest($2::text[], $3::uuid[], $4::text[], $5::text[]) as n (room, id, body, mentions)
    where c.app = $1 and c.id = n.id and c.room = n.room and not c.deleted
"""  # noqa: S608

DELETE = """
    update notifier.comments c set deleted = true, body = ''
    from unnest($2::text[], $3::uuid[]) as n (room, id)
    where c.app = $1 and c.id = n.id and c.room = n.room
"""

JOIN = """
    insert into notifier.members (app, room, "user", since, delivered, read)
    select $1, n.room, n."user", n.since, n.since - 1, n.since - 1
    from unnest($2::text[], $3::text[], $4::bigint[]) as n (room, "user", since)
    on conflict (app, room, "user") do nothing
"""

LEAVE = """
    delete from notifier.members m using unnest($2::text[], $3::text[]) as n (room, "user")
    where m.app = $1 and m.room = n.room and m."user" = n."user"
"""

_CANCEL = "update notifier.pushes set state = 'cancelled', reason = {reason}, ended_at = now()"

CANCEL_OF = f"""
    {_CANCEL.format(reason="$4")} where id in (
        select p.id from unnest($2::text[], $3::text[]) as n (room, "user")
        join notifier.pushes p on p.app = $1 and p.room = n.room and p."user" = n."user"
        where p.kind = 'comment' and p.state = 'waiting' order by p.id for update of p
    )
"""  # noqa: S608  our own words
"""Of people in rooms."""

CANCEL_COMMENTS = f"""
    {_CANCEL.format(reason="$4")} where id in (
        select p.id from unnest($2::text[], $3::uuid[]) as n (room, comment)
        join notifier.pushes p on p.app = $1 and p.comment = n.comment and p.room = n.room
        where p.kind = 'comment' and p.state = 'waiting' order by p.id for update of p
    )
    returning id
"""  # noqa: S608

CANCEL_ROOM = f"""
    {_CANCEL.format(reason="$3")} where id in (
        select id from notifier.pushes
        where app = $1 and room = $2 and kind = 'comment' and state = 'waiting' order by id for update
    )
"""  # noqa: S608

RESET = (
    "delete from notifier.members where app = $1 and room = $2",
    "delete from notifier.decisions where app = $1 and room = $2",
    "update notifier.comments set look_at = null where app = $1 and room = $2 and look_at is not null",
)

VANISHED = """
    update notifier.comments set deleted = true, body = '' where app = $1 and room = $2 and "offset" > $3
"""
"""What the log does not have any more."""

BEGIN = "update notifier.rooms set epoch = $3, head = 0, title = null where app = $1 and room = $2"
