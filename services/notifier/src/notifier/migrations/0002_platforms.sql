-- What is due is claimed platform by platform: the backlog of one whose provider hangs is not looked through for another.

create index pushes_to_send_of_platform on notifier.pushes (platform, not_before) where state = 'waiting';

-- Attempts that were surely not taken give up nothing.

alter table notifier.pushes add unanswered int not null default 0;
comment on column notifier.pushes.unanswered is 'Attempts of which nobody knows what became.';
