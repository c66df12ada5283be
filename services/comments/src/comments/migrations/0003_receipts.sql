-- How far every member of a room is: what was delivered to a device of theirs, and what they have read.

create table comments.receipts (
    room bigint not null references comments.rooms,
    "user" text not null,
    delivered bigint not null,
    read bigint not null,
    since timestamptz not null default now(),
    delivered_moves bigint[] not null default '{}',
    delivered_times timestamptz[] not null default '{}',
    read_moves bigint[] not null default '{}',
    read_times timestamptz[] not null default '{}',
    primary key (room, "user"),
    check (0 <= read and read <= delivered)
);
create index receipts_by_delivered on comments.receipts (room, delivered);
create index receipts_by_read on comments.receipts (room, read);

comment on table comments.receipts is
    'One row for each member, made and removed with them; no projection: the log does not say who read what.';
comment on column comments.receipts.delivered is
    'Watermark: everything up to this offset. A new member begins at the event that made them one.';
comment on column comments.receipts.read is 'Watermark, as delivered; what is read was delivered.';
comment on column comments.receipts.since is 'When the row was made: the time of where the watermarks began.';
comment on column comments.receipts.delivered_moves is
    'Where the watermark was moved to, the newest first, the last 16; empty while it is where it began.';
comment on column comments.receipts.delivered_times is 'When it was moved there.';
comment on column comments.receipts.read_moves is 'As delivered_moves.';
comment on column comments.receipts.read_times is 'As delivered_times.';

insert into comments.receipts (room, "user", delivered, read)
select member.room, member."user", room.head, room.head
from comments.members as member join comments.rooms as room on room.key = member.room;

grant select, insert, update, delete on comments.receipts to parley_comments;
