-- The stream is kept equal to the log: how far it was, and what is published again because it was lost.

alter table comments.outbox add refill bigint not null default 0;
comment on column comments.outbox.refill is
    'Not 0: the stream has lost it; it is published under an id of this refill, as the stream may remember the first.';

create index events_of_refills on comments.outbox (partition) where refill <> 0;

create sequence comments.refills;

create table comments.stream_marks (
    partition smallint primary key,
    created timestamptz,
    floor bigint,
    floored timestamptz,
    seq bigint,
    message text,
    confirmed timestamptz,
    refill bigint not null default 0,
    filled bigint not null default 0
) with (fillfactor = 50);
comment on table comments.stream_marks is 'By which a relay knows that the stream still is what it was.';
comment on column comments.stream_marks.created is
    'When the stream was made that was compared with the log; null if it has to be compared again.';
comment on column comments.stream_marks.floor is
    'The stream cannot begin above this sequence unless it was purged, or is older than it keeps events.';
comment on column comments.stream_marks.seq is 'Where the stream has the event that it confirmed last.';
comment on column comments.stream_marks.message is 'The id of that event.';
comment on column comments.stream_marks.refill is 'The refill that compares it now, or did so last.';
comment on column comments.stream_marks.filled is
    'Events that the stream had lost, since somebody last wanted it compared.';

grant usage on sequence comments.refills to parley_comments;
grant select, insert, update on comments.stream_marks to parley_comments;
grant update (refill) on comments.outbox to parley_comments;
