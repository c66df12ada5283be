"""Postgres as notifier uses it: its schema, and what errors are answered with."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import asyncpg

from chassis import database
from chassis.database import ERRORS, Connection, Pool, ailment
from notifier.errors import StorageFull, TooSlow, Unavailable
from notifier.migrate import SCHEMA

__all__ = ["ERRORS", "Connection", "Pool", "asking", "connect", "fetch", "unavailable"]


async def connect(url: str, *, size: int, timeout: float, patience: float = 0) -> Pool:  # noqa: ASYNC109
    """As `chassis.database.connect`, to the schema `notifier`."""
    return await database.connect(url, SCHEMA, size=size, timeout=timeout, patience=patience)


def unavailable(error: Exception) -> Unavailable | None:
    """The problem to answer if the error says that Postgres is away, full or slow; else `None`."""
    match ailment(error):
        case "full":
            return StorageFull("the disk of the database is full", headers={"Retry-After": "5"})
        case "slow":
            return TooSlow(str(error) or "Postgres takes too long", headers={"Retry-After": "1"})
        case "away":
            return Unavailable(f"Postgres says {type(error).__name__}", headers={"Retry-After": "1"})
        case None:
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
