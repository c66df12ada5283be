-- What somebody has not read is counted without reading it: comments are numbered, and those that were deleted
-- are tallied by where they are. Who is mentioned where has an index of its own.

alter table comments.comments
    add mentions jsonb not null default '[]',
    add number bigint not null default 0,
    add author_number bigint not null default 0;
comment on column comments.comments.mentions is 'Members whom the body names: [{user, start, end}].';
comment on column comments.comments.number is '1, 2, 3 ... of the room''s comments in the order of their offsets.';
comment on column comments.comments.author_number is 'The same, of the author''s comments in the room.';

update comments.comments as comment set number = counted.number, author_number = counted.author_number
from (
    select id, row_number() over (partition by room order by "offset") as number,
        row_number() over (partition by room, author order by "offset") as author_number
    from comments.comments
) as counted
where comment.id = counted.id;

create index comments_by_author on comments.comments (room, author, "offset");

create table comments.mentions (
    room bigint not null references comments.rooms,
    "user" text not null,
    "offset" bigint not null,
    primary key (room, "user", "offset")
);
create index mentions_of_a_comment on comments.mentions (room, "offset");
comment on table comments.mentions is
    'Offsets of the comments that mention a user, as they are now; not of those that the user wrote.';

create table comments.deletions (
    room bigint not null references comments.rooms,
    author text not null,
    level smallint not null,
    bucket bigint not null,
    count bigint not null,
    primary key (room, author, level, bucket)
);
comment on table comments.deletions is
    'How many comments were deleted: at level n, of the 64^n offsets from bucket * 64^n on; none for bucket 0.';
comment on column comments.deletions.author is 'Whose comments; empty: of everybody.';

insert into comments.deletions (room, author, level, bucket, count)
select room, whose.author, level, "offset" >> 6 * level, count(*)
from comments.comments as comment
cross join lateral (values (''), (comment.author)) as whose (author)
cross join generate_series(0, 10) as level
where deleted_at is not null and "offset" >> 6 * level > 0
group by room, whose.author, level, "offset" >> 6 * level;

grant select, insert, delete on comments.mentions to parley_comments;
grant select, insert, update on comments.deletions to parley_comments;
