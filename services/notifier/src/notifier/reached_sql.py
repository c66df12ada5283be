"""The statements of `reached.py`; $1 is the app. Rows are locked in the order of their keys."""

HEADS = "select room, epoch, head from notifier.rooms where app = $1 and room = any($2)"

MOVE = """
    with asked as (
        select one.room, one."user",
            least(one.delivered, room.head) as delivered, least(one.read, room.head) as read
        from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
            as one (room, "user", epoch, delivered, read)
        join notifier.rooms room
            on room.app = $1 and room.room = one.room and room.epoch = coalesce(one.epoch, room.epoch)
    ),
    locked as (
        select asked.*, member.read as was_read
        from asked join notifier.members member
            on member.app = $1 and member.room = asked.room and member."user" = asked."user"
        where asked.delivered > member.delivered or asked.read > member.read
        order by member.room, member."user"
        for no key update of member
    )
    update notifier.members member set
        delivered = greatest(member.delivered, locked.delivered), read = greatest(member.read, locked.read)
    from locked
    where member.app = $1 and member.room = locked.room and member."user" = locked."user"
    returning member.room, member."user", member.delivered, member.read,
        member.read > locked.was_read as has_read
"""

CANCEL = """
    update notifier.pushes set state = 'cancelled', reason = $5, ended_at = now() where id in (
        select p.id from unnest($2::text[], $3::text[], $4::bigint[]) as m (room, "user", read)
        join notifier.pushes p
            on p.app = $1 and p.room = m.room and p."user" = m."user" and p."offset" <= m.read
        where p.kind = 'comment' and p.state = 'waiting' order by p.id for update of p
    )
"""

TAKE_BACK = """
    insert into notifier.pushes (
        app, kind, room, "offset", event, comment, "user", device, platform,
        reason, not_before, expires_at, trace
    )
    select $1, 'read', m.room, shown."offset", shown.event, shown.comment, m."user", d.id, d.platform,
        $5, now(), now() + make_interval(secs => $6), shown.trace
    from unnest($2::text[], $3::text[], $4::bigint[]) as m (room, "user", read)
    join notifier.devices d on d.app = $1 and d."user" = m."user"
    cross join lateral (
        select p."offset", p.event, p.comment, p.trace from notifier.pushes p
        where p.app = $1 and p.device = d.id and p.room = m.room and p."user" = m."user"
            and p.kind = 'comment' and (p.state in ('sent', 'unknown', 'sending') or p.unsure)
        order by p."offset" desc limit 1
    ) shown
    where shown."offset" <= m.read
    on conflict (app, event, device, kind) do nothing
"""
"""Of what a device shows, or may show; while it shows something later of the room, it stands for that too."""

WAITING = """
    select distinct m.room, m."user"
    from unnest($2::text[], $3::text[], $4::bigint[]) as m (room, "user", delivered)
    join notifier.pushes p
        on p.app = $1 and p.room = m.room and p."user" = m."user" and p."offset" <= m.delivered
    where p.kind = 'comment' and p.state = 'waiting'
"""
