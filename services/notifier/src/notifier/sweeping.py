"""What was decided, pushed and said is forgotten after some days; who is a member, and of what, is not."""

import asyncio
import logging
from functools import partial

from chassis.outages import Outages
from notifier.database import Pool

EVERY_SECONDS = 60.0

ROWS = 1_000
"""Deleted at once."""

log = logging.getLogger(__name__)


class Sweeping:
    """Of one app. Replicas may do it at the same time."""

    def __init__(self, pool: Pool, app: str, *, keep_days: float) -> None:
        self._pool, self._app, self._keep_days = pool, app, keep_days
        self._outages = Outages("forgetting what is old", log)
        self.deleted = 0
        """Rows."""

    async def run(self) -> None:
        """Delete what is old, now and every minute, until cancelled."""
        while True:
            for statement in (_DECISIONS, _PUSHES, _COMMENTS):
                while not await self._outages.attempt(partial(self._delete, statement)):
                    pass
            await asyncio.sleep(EVERY_SECONDS)

    async def sweep(self) -> None:
        """Delete what is old. Raise one of `database.ERRORS`."""
        for statement in (_DECISIONS, _PUSHES, _COMMENTS):
            await self._delete(statement)

    async def _delete(self, statement: str) -> None:
        rows = ROWS
        while rows == ROWS:
            done = await self._pool.execute(statement, self._app, self._keep_days, ROWS)
            rows = int(done.rpartition(" ")[2])
            self.deleted += rows


_DECISIONS = """
    delete from notifier.decisions where ctid = any(array(
        select ctid from notifier.decisions where app = $1 and at < now() - make_interval(secs => $2 * 86400)
        order by at limit $3 for update skip locked
    ))
"""
_PUSHES = """
    delete from notifier.pushes where id = any(array(
        select id from notifier.pushes
        where app = $1 and created_at < now() - make_interval(secs => $2 * 86400)
            and state not in ('waiting', 'sending')
        order by created_at limit $3 for update skip locked
    ))
"""
_COMMENTS = """
    delete from notifier.comments where ctid = any(array(
        select ctid from notifier.comments c
        where c.app = $1 and c.at < now() - make_interval(secs => $2 * 86400) and c.look_at is null
            and not exists (
                select from notifier.pushes p
                where p.app = c.app and p.comment = c.id and p.state in ('waiting', 'sending')
            )
        order by c.at limit $3 for update of c skip locked
    ))
"""
"""A push that waits for the end of quiet hours is written from its comment."""
