"""Questions to Postgres, and the problems with which a service answers when it is away, full or slow."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import asyncpg

from chassis.database import ERRORS, Pool, ailment
from chassis.problems import Problem


@dataclass(frozen=True, slots=True)
class Asking:
    away: type[Problem]
    slow: type[Problem]
    full: type[Problem]
    disk: str
    """Which one it is that is full."""

    def unavailable(self, error: Exception) -> Problem | None:
        """The problem to answer if the error says that Postgres is away, full or slow; else `None`."""
        match ailment(error):
            case "full":
                return self.full(f"{self.disk} is full", headers={"Retry-After": "5"})
            case "slow":
                return self.slow(str(error) or "Postgres takes too long", headers={"Retry-After": "1"})
            case "away":
                return self.away(f"Postgres says {type(error).__name__}", headers={"Retry-After": "1"})
            case None:
                return None

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Raise the problem when Postgres is away, full or slow in what is asked within."""
        try:
            yield
        except ERRORS as error:
            if (reason := self.unavailable(error)) is not None:
                raise reason from error
            raise

    async def fetch(self, pool: Pool, query: str, *values: object) -> Sequence[asyncpg.Record]:
        """Raise as `asking`."""
        with self.asking():
            return await pool.fetch(query, *values)
