-- The log, its projections and the outbox. Applied by the owner of the schema; the service itself
-- works in the role parley_comments, which can add to the log and never change it.

create table comments.log (
    one_row boolean primary key default true check (one_row),
    epoch text not null default substr(md5(gen_random_uuid()::text), 1, 12)
);
comment on table comments.log is 'One row: the epoch that new rooms begin with. A restored backup gets a new one.';
insert into comments.log default values;

create table comments.rooms (
    key bigint generated always as identity primary key,
    app text not null,
    id text not null,
    epoch text not null,
    head bigint not null default 0,
    attributes jsonb,
    unique (app, id)
) with (fillfactor = 70);
comment on column comments.rooms.head is 'Offset of the newest event; its row lock gives the next one.';
comment on column comments.rooms.attributes is 'Projection of room.created and room.updated.';

create table comments.events (
    room bigint not null references comments.rooms,
    "offset" bigint not null check ("offset" > 0),
    id uuid not null,
    type text not null,
    actor text not null,
    at timestamptz not null,
    data json not null,
    trace text,
    primary key (room, "offset")
);
comment on column comments.events.data is 'The encoded event, byte for byte as it is published (json keeps the text).';

create index events_that_change_a_comment on comments.events ((data ->> 'comment'))
    where type in ('comment.edited', 'comment.deleted');

create table comments.outbox (
    partition smallint not null,
    room bigint not null,
    "offset" bigint not null,
    since timestamptz not null default now(),
    primary key (partition, room, "offset")
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
comment on table comments.outbox is 'Events that JetStream has not yet confirmed.';

create table comments.comments (
    id uuid primary key,
    room bigint not null references comments.rooms,
    "offset" bigint not null,
    author text not null,
    author_name text,
    author_avatar text,
    body text not null,
    image_meta jsonb,
    video_meta jsonb,
    client_id text,
    created_at timestamptz not null,
    updated_at timestamptz,
    deleted_at timestamptz
);
comment on table comments.comments is 'Projection: every comment as it is now.';
create unique index comments_in_order on comments.comments (room, "offset");
create unique index comments_by_client_id on comments.comments (room, author, client_id) where client_id is not null;

create table comments.members (
    room bigint not null references comments.rooms,
    "user" text not null,
    name text,
    avatar text,
    joined_at timestamptz not null,
    primary key (room, "user")
);
create index rooms_of_a_member on comments.members ("user", room);
comment on table comments.members is 'Projection: who joined a room or wrote in it, and has not left.';

do $$
begin
    create role parley_comments nologin;
exception
    when duplicate_object or unique_violation then null;
end
$$;
grant usage on schema comments to parley_comments;
grant select on comments.log, comments.migrations to parley_comments;
grant select, insert on comments.events to parley_comments;
grant select, insert, update on comments.rooms to parley_comments;
grant select, insert, delete on comments.outbox to parley_comments;
grant select, insert, update, delete on comments.comments, comments.members to parley_comments;
