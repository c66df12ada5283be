-- Who joins later does not count for what was said before, until they read: a comment that nobody else could
-- read is not read because somebody comes in.

alter table comments.receipts add newcomer boolean not null default false;
comment on column comments.receipts.newcomer is
    'They have not read anything since they became a member: what was said before that is not counted for them.';
create index receipts_of_newcomers on comments.receipts (room, read) where newcomer;
create index receipts_of_readers on comments.receipts (room) where not newcomer;
