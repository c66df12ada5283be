"""Connections to Postgres of which none is waited for without end, whatever happens to Postgres.

A server that hangs, or is cut off, answers nothing and closes nothing. Whether it does, or is only slow,
a new connection tells: while an answer is overdue we knock, and if nobody opens, everything that waits is
given up at once, and what comes later is refused without waiting, until somebody does. We only knock when
nothing at all was answered for a while: a server that is merely busy must not be made to log us in anew.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

OVERDUE_SECONDS = 1.0
"""An answer that takes longer is a reason to knock; the slowest of our statements take 0.1."""

KNOCK_SECONDS = 2.0
"""For a new connection; it takes 0.05 on a busy machine, and much longer on one with more than it can do."""

PAUSE_SECONDS = 0.25
"""Between two looks at what is overdue, and between two knocks."""

CLOSE_SECONDS = 2.0

log = logging.getLogger(__name__)


class Away(TimeoutError):
    """Postgres does not answer at all."""

    def __init__(self) -> None:
        super().__init__("Postgres does not answer")


class Pool:
    """asyncpg's pool, with an end to every use of it.

    Whatever it raises is one of `database.ERRORS`: `TimeoutError` when a use took too long, `Away` when
    Postgres is known to hang.
    """

    def __init__(self, pool: asyncpg.Pool, url: str, timeout: float) -> None:
        """`timeout` in seconds bounds each use, from asking for a connection to giving it back."""
        self._pool = pool
        self._url = url
        self._timeout = timeout
        self._uses: dict[_Use, None] = {}
        """The oldest first."""
        self._answered = 0.0
        """When Postgres last did, by the loop's clock."""
        self._away = False

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[PoolConnectionProxy]:
        """A connection to use within the pool's timeout; then it is taken away in the middle of its work."""
        if self._away:
            raise Away
        loop = asyncio.get_running_loop()
        use = _Use(loop.time())
        self._uses[use] = None
        end = loop.call_later(self._timeout, use.end, TimeoutError("Postgres takes too long"))
        try:
            yield await use.begin(self._pool)
            self._answered = loop.time()
        except asyncio.CancelledError:
            if use.connection is not None:
                use.connection.terminate()
            raise
        except Exception as error:
            if use.ended is not None:
                raise use.ended from error
            raise
        finally:
            end.cancel()
            del self._uses[use]
            if use.connection is not None:
                await self._pool.release(use.connection)

    async def fetch(self, query: str, *values: object) -> list[asyncpg.Record]:
        async with self.acquire() as connection:
            rows: list[asyncpg.Record] = await connection.fetch(query, *values)
            return rows

    async def fetchrow(self, query: str, *values: object) -> asyncpg.Record | None:
        async with self.acquire() as connection:
            return await connection.fetchrow(query, *values)

    async def fetchval(self, query: str, *values: object) -> Any:
        async with self.acquire() as connection:
            return await connection.fetchval(query, *values)

    async def execute(self, query: str, *values: object) -> str:
        async with self.acquire() as connection:
            return str(await connection.execute(query, *values))

    async def watch(self) -> None:
        """Knock when an answer is overdue, until cancelled."""
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            if self._away or self._overdue():
                self._heard(await self._knock())

    async def close(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._pool.close()
        except TimeoutError:
            log.warning("Postgres did not answer when its connections were closed")

    def _overdue(self) -> bool:
        oldest = next(iter(self._uses), None)
        if oldest is None:
            return False
        silent_since = max(oldest.began, self._answered)
        return asyncio.get_running_loop().time() - silent_since > OVERDUE_SECONDS

    def _heard(self, answered: bool) -> None:
        if answered and self._away:
            log.warning("Postgres answers again")
        elif not answered and not self._away:
            log.warning("Postgres does not answer: what waits for it is given up")
        self._away = not answered
        if self._away:
            for use in self._uses:
                use.end(Away())

    async def _knock(self) -> bool:
        """Whether somebody opens: also one who says that there is no room."""
        try:
            async with asyncio.timeout(KNOCK_SECONDS):
                connection = await asyncpg.connect(self._url)
                await connection.close()
        except asyncpg.CannotConnectNowError:
            return False
        except asyncpg.PostgresError:
            return True
        except (OSError, asyncpg.InterfaceError):
            return False
        return True


class _Use:
    """One use of a connection, which can be ended from outside."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.connection: PoolConnectionProxy | None = None
        self.ended: TimeoutError | None = None
        self._waiting = asyncio.timeout(None)

    async def begin(self, pool: asyncpg.Pool) -> PoolConnectionProxy:
        async with self._waiting:
            self.connection = await pool.acquire()
        return self.connection

    def end(self, reason: TimeoutError) -> None:
        """What waits for the connection, or for an answer on it, fails now."""
        if self.ended is not None:
            return
        self.ended = reason
        if self.connection is None:
            self._waiting.reschedule(0)
        else:
            self.connection.terminate()
