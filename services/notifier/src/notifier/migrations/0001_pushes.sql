-- What notifier knows of rooms and people, and the pushes it owes. Applied by the owner of the schema; the
-- service itself works in the role parley_notifier.

create table notifier.rooms (
    app text not null,
    room text not null,
    epoch text not null,
    head bigint not null default 0,
    title text,
    primary key (app, room)
) with (fillfactor = 70);
comment on table notifier.rooms is 'How far each room''s events are known; its row lock orders those who add to it.';

create table notifier.members (
    app text not null,
    room text not null,
    "user" text not null,
    since bigint not null,
    delivered bigint not null default 0,
    read bigint not null default 0,
    primary key (app, room, "user")
) with (fillfactor = 80);
comment on column notifier.members.since is 'Offset of the event that made them a member.';
create index members_by_user on notifier.members (app, "user");

create table notifier.comments (
    app text not null,
    room text not null,
    "offset" bigint not null,
    id uuid not null,
    event uuid not null,
    author text not null,
    author_name text,
    author_avatar text,
    body text not null,
    mentions text[] not null default '{}',
    urgent boolean not null default false,
    at timestamptz not null,
    deleted boolean not null default false,
    trace text,
    look_at timestamptz,
    primary key (app, room, "offset")
) with (fillfactor = 80);
comment on column notifier.comments.look_at is 'When it is decided who gets a push; null once it was.';
create unique index comments_by_id on notifier.comments (app, id);
create index comments_to_decide on notifier.comments (look_at) where look_at is not null;
create index comments_by_age on notifier.comments (app, at);

create table notifier.devices (
    app text not null,
    id text not null,
    "user" text not null,
    platform text not null check (platform in ('apns', 'fcm', 'webpush')),
    address text not null,
    keys jsonb not null default '{}',
    target text,
    locale text,
    time_zone text,
    registered_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (app, id)
);
comment on column notifier.devices.address is 'The provider''s token, or the endpoint of a Web Push subscription.';
comment on column notifier.devices.keys is 'Of a Web Push subscription: p256dh and auth.';
comment on column notifier.devices.target is 'The app it is installed as: an APNs topic; null is the configured one.';
comment on column notifier.devices.registered_at is 'When this address was last said to be right.';
create index devices_by_user on notifier.devices (app, "user");
create unique index devices_by_address on notifier.devices (app, platform, md5(address));

create table notifier.preferences (
    app text not null,
    "user" text not null,
    room text not null,
    level text check (level in ('all', 'mentions', 'none')),
    muted_until timestamptz,
    preview boolean,
    muted_users text[],
    quiet_from time,
    quiet_to time,
    quiet_zone text,
    updated_at timestamptz not null default now(),
    primary key (app, "user", room)
);
comment on column notifier.preferences.room is 'Empty: of all rooms. What is null in a room''s row is as in that one.';

create table notifier.decisions (
    app text not null,
    room text not null,
    "user" text not null,
    first bigint not null,
    last bigint not null,
    reason text not null,
    at timestamptz not null default now(),
    trace text,
    primary key (app, room, "user", first)
);
comment on table notifier.decisions is 'Why somebody gets no push for the comments from `first` to `last`.';
create index decisions_by_age on notifier.decisions (app, at);

create table notifier.pushes (
    id bigint generated always as identity primary key,
    app text not null,
    kind text not null check (kind in ('comment', 'read')),
    room text not null,
    "offset" bigint not null,
    event uuid not null,
    comment uuid not null,
    "user" text not null,
    device text not null,
    platform text not null,
    state text not null default 'waiting'
        check (state in ('waiting', 'sending', 'sent', 'cancelled', 'failed', 'unknown')),
    reason text not null,
    not_before timestamptz not null,
    expires_at timestamptz not null,
    stands_for int not null default 1,
    attempts int not null default 0,
    unsure boolean not null default false,
    claimed_by text,
    claimed_until timestamptz,
    answer text,
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    trace text,
    unique (app, event, device, kind)
) with (fillfactor = 70);
comment on table notifier.pushes is 'The outbox, and what became of it: a row for each event and device.';
comment on column notifier.pushes.stands_for is 'Comments, with its own, that nobody else tells of.';
comment on column notifier.pushes.unsure is 'An attempt ended without an answer: it may have been shown.';
create index pushes_to_send on notifier.pushes (not_before) where state = 'waiting';
create index pushes_to_recover on notifier.pushes (claimed_until) where state = 'sending';
create index pushes_on_their_way on notifier.pushes (app, device, room) where state = 'sending';
create index pushes_of_person on notifier.pushes (app, "user", room, "offset") where state in ('waiting', 'sending');
create index pushes_of_device on notifier.pushes (app, device, room, "offset");
create index pushes_of_comment on notifier.pushes (app, comment);
create index pushes_by_age on notifier.pushes (app, created_at);

do $$
begin
    create role parley_notifier nologin;
exception
    when duplicate_object or unique_violation then null;
end
$$;
grant usage on schema notifier to parley_notifier;
grant select on notifier.migrations to parley_notifier;
grant select, insert, update, delete on notifier.rooms, notifier.members, notifier.comments, notifier.devices,
    notifier.preferences, notifier.decisions, notifier.pushes to parley_notifier;
