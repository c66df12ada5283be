"""The connections to Postgres: a pool in the service's own role, and what its errors mean."""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from chassis.waiting import until_there
from comments.errors import StorageFull, TooSlow, Unavailable
from comments.migrate import ROLE, migrate
from comments.pool import Pool

__all__ = ["ERRORS", "Connection", "Pool", "asking", "connect", "fetch", "unavailable"]

Connection = PoolConnectionProxy

KEEP_ALIVE = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "2s",
}
"""What a machine that vanishes had locked, in the middle of a transaction, is free again after 11 seconds."""


async def connect(url: str, *, size: int, timeout: float, patience: float = 0) -> Pool:  # noqa: ASYNC109
    """Migrate as the owner, then open up to `size` connections that work in the role `parley_comments`.

    `timeout` is in seconds and bounds each use of a connection, from asking for it to giving it back;
    `patience` is how long to wait for the database to be there. Raise `OSError` or `asyncpg.PostgresError`
    when it cannot be reached, `MigrationError` when it does not fit this version.
    """
    owner = await _owner(url, timeout, patience)
    try:
        await migrate(owner)
    finally:
        await owner.close()
    beyond = (
        f"{round(timeout * 1000) + 1000}ms"  # for what is left behind: who still waits has given up first
    )
    logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)  # else a traceback each second of an outage
    pool = await asyncpg.create_pool(
        url,
        min_size=2,
        max_size=size,
        timeout=timeout,
        init=_init,
        reset=_leave,
        server_settings={
            "role": ROLE,
            "application_name": "parley comments",
            "statement_timeout": beyond,
            "idle_in_transaction_session_timeout": beyond,
            **KEEP_ALIVE,
        },
    )
    return Pool(pool, url, timeout)


async def _owner(url: str, timeout: float, patience: float) -> asyncpg.Connection:  # noqa: ASYNC109
    reach = partial(asyncpg.connect, url, timeout=timeout)
    if not patience:
        return await reach()
    place = urlsplit(url)
    name = f"Postgres at {place.hostname}:{place.port or 5432}"
    return await until_there(name, reach, patience=patience, passing=_comes)


def _comes(error: Exception) -> bool:
    """Not if the URL is wrong (a `ValueError` as well as an `InterfaceError`)."""
    return unavailable(error) is not None and not isinstance(error, ValueError)


async def _init(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_dump, decoder=json.loads)


async def _leave(connection: asyncpg.Connection) -> None:
    """Nothing to reset: no session state is ever set here, so a round trip a release is saved."""


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


ERRORS = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresError)
"""Whatever can come of asking Postgres."""

PASSING = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
"""An `InternalClientError` is how asyncpg meets a connection that Postgres has just ended in its sleep."""


def unavailable(error: Exception) -> Unavailable | None:
    """The problem to answer if the error says that Postgres is away, full or slow; else `None`."""
    match error:
        case asyncpg.DiskFullError():
            return StorageFull("the disk of the log is full", headers={"Retry-After": "5"})
        case TimeoutError() | asyncpg.QueryCanceledError():
            return TooSlow(str(error) or "Postgres takes too long", headers={"Retry-After": "1"})
    if isinstance(error, PASSING):
        return Unavailable(f"Postgres says {type(error).__name__}", headers={"Retry-After": "1"})
    return None


@contextmanager
def asking() -> Iterator[None]:
    """Raise `Unavailable` when Postgres is away, full or slow in what is asked within."""
    try:
        yield
    except ERRORS as error:
        if (reason := unavailable(error)) is not None:
            raise reason from error
        raise


async def fetch(pool: Pool, query: str, *values: object) -> Sequence[asyncpg.Record]:
    """Raise `Unavailable`."""
    with asking():
        return await pool.fetch(query, *values)
