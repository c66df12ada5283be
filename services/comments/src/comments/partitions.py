"""Which shares of the outbox this process publishes: session-level advisory locks, divided evenly.

The locks belong to one connection. When it breaks, Postgres frees them, and this process owns nothing
until it has a new one.
"""

import logging

import asyncpg

from comments.database import Pool
from comments.migrate import SCHEMA
from comments.postgres import PARTITIONS

log = logging.getLogger(__name__)

CLASS = 0x7061_726C
"""First key of all our advisory locks; the second is the partition."""

PRESENT = PARTITIONS
"""Held shared by every process that takes part, so that they can be counted."""

SETTINGS = {
    "application_name": "parley relay",
    "role": SCHEMA.role,
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
"""A machine that vanishes keeps its locks for 11 seconds, not for the system's two hours."""


class Partitions:
    """The partitions owned by this process."""

    def __init__(self, url: str, timeout: float = 2) -> None:
        """`timeout` in seconds bounds each statement: without an answer others may own them by now."""
        self._url = url
        self._timeout = timeout
        self._connection: asyncpg.Connection | None = None
        self.owned: frozenset[int] = frozenset()

    async def settle(self) -> frozenset[int]:
        """Take what nobody has and give back what is beyond a fair share; return what was given back.

        Also what was lost with the connection and taken again: others may have had it in between.
        Raise `OSError` or an asyncpg error when Postgres is away: then everything is given back.
        """
        before = self.owned
        try:
            connection = await self._connected()
            kept = self.owned
            processes = await connection.fetchval(_COUNT, CLASS, PRESENT)
            share = -(-PARTITIONS // max(1, processes))
            await self._give_back(connection, sorted(kept)[share:])
            kept = self.owned
            await self._take(connection, share - len(kept))
            return before - kept
        except BaseException:
            self._let_go()
            raise

    async def close(self) -> None:
        self.owned = frozenset()
        if self._connection is not None:
            try:
                await self._connection.close(timeout=2)
            except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
                log.warning("Postgres did not answer when the relay left: %s", type(error).__name__)

    def _let_go(self) -> None:
        """Of the connection too: the locks that it may still hold are then for others to take."""
        self.owned = frozenset()
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self.owned = frozenset()
            self._connection = await asyncpg.connect(
                self._url, timeout=self._timeout, command_timeout=self._timeout, server_settings=SETTINGS
            )
            await self._connection.execute("select pg_advisory_lock_shared($1, $2)", CLASS, PRESENT)
        return self._connection

    async def _give_back(self, connection: asyncpg.Connection, surplus: list[int]) -> None:
        self.owned -= frozenset(surplus)
        for partition in surplus:
            await connection.execute("select pg_advisory_unlock($1, $2)", CLASS, partition)

    async def _take(self, connection: asyncpg.Connection, most: int) -> None:
        if most <= 0:
            return
        free = await connection.fetch(_FREE, CLASS, PARTITIONS - 1)
        for row in free[:most]:
            if await connection.fetchval("select pg_try_advisory_lock($1, $2)", CLASS, row["partition"]):
                self.owned |= {row["partition"]}


async def present(pool: Pool) -> int:
    """How many processes share the partitions now."""
    return int(await pool.fetchval(_COUNT, CLASS, PRESENT))


_COUNT = """
    select count(*) from pg_locks
    where locktype = 'advisory' and granted and objsubid = 2 and classid::bigint = $1 and objid::int = $2
    and database = (select oid from pg_database where datname = current_database())
"""
_FREE = """
    select partition from generate_series(0, $2::int) as partition
    except
    select objid::int from pg_locks
    where locktype = 'advisory' and granted and objsubid = 2 and classid::bigint = $1
    and database = (select oid from pg_database where datname = current_database())
    order by partition
"""
