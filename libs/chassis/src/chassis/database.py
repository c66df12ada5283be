"""The connections to Postgres: a pool in a service's own role, and what its errors mean."""

import json
import logging
from functools import partial
from typing import Any, Literal
from urllib.parse import urlsplit

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from chassis.migrations import Schema
from chassis.pool import Pool
from chassis.waiting import until_there

__all__ = ["ERRORS", "Connection", "Pool", "ailment", "connect"]

Connection = PoolConnectionProxy

KEEP_ALIVE = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "2s",
}
"""What a machine that vanishes had locked, in the middle of a transaction, is free again after 11 seconds."""


async def connect(
    url: str,
    schema: Schema,
    *,
    size: int,
    timeout: float,  # noqa: ASYNC109
    patience: float = 0,
) -> Pool:
    """Migrate as the owner, then open up to `size` connections that work in the schema's role.

    `timeout` is in seconds and bounds each use of a connection, from asking for it to giving it back;
    `patience` is how long to wait for the database to be there. Raise `OSError` or `asyncpg.PostgresError`
    when it cannot be reached, `MigrationError` when it does not fit this version.
    """
    owner = await _owner(url, timeout, patience)
    try:
        await schema.migrate(owner)
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
            "role": schema.role,
            "application_name": f"parley {schema.name}",
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
    return ailment(error) is not None and not isinstance(error, ValueError)


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


def ailment(error: Exception) -> Literal["full", "slow", "away"] | None:
    """What ails Postgres, if it is that and will pass; `None` is a mistake of ours."""
    match error:
        case asyncpg.DiskFullError():
            return "full"
        case TimeoutError() | asyncpg.QueryCanceledError():
            return "slow"
    return "away" if isinstance(error, PASSING) else None
