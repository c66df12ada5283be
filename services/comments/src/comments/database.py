"""The connection to Postgres: a pool in the service's own role, and what its errors mean."""

import json
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from comments.errors import Unavailable
from comments.migrate import ROLE, migrate

Pool = asyncpg.Pool
Connection = PoolConnectionProxy


async def connect(url: str, *, size: int, timeout: float) -> Pool:  # noqa: ASYNC109  asyncpg's own word
    """Migrate as the owner, then open `size` connections that work in the role `parley_comments`.

    `timeout` is in seconds and bounds each statement. Raise `OSError` or `asyncpg.PostgresError` when
    the database cannot be reached, `MigrationError` when it does not fit this version.
    """
    owner = await asyncpg.connect(url, timeout=timeout)
    try:
        await migrate(owner)
    finally:
        await owner.close()
    return await asyncpg.create_pool(
        url,
        min_size=2,
        max_size=size,
        command_timeout=timeout,
        timeout=timeout,
        init=_init,
        reset=_leave,
        server_settings={"role": ROLE, "application_name": "parley comments"},
    )


async def _init(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_dump, decoder=json.loads)


async def _leave(connection: asyncpg.Connection) -> None:
    """Nothing to reset: no session state is ever set here, so a round trip a release is saved."""


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


ERRORS = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresError)
"""Whatever can come of asking Postgres."""


def unavailable(error: Exception) -> Unavailable | None:
    """The problem to answer if the error says that Postgres is away, full or restarting; else `None`.

    An `InternalClientError` is how asyncpg meets a connection that Postgres has just ended in its sleep.
    """
    passing = (
        OSError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        asyncpg.PostgresConnectionError,
        asyncpg.InsufficientResourcesError,
        asyncpg.OperatorInterventionError,
        asyncpg.TransactionRollbackError,
    )
    if not isinstance(error, passing):
        return None
    return Unavailable(f"Postgres says {type(error).__name__}", headers={"Retry-After": "1"})
