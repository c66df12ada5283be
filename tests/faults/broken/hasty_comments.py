"""A comments whose relay publishes before the commit; now and then, the commit fails then."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from comments import service
from comments.__main__ import main
from comments.commands import Command
from comments.errors import Unavailable
from comments.log import Outcome, Stored
from comments.postgres import PostgresLog
from comments.writer import Writer
from events import Event

GOOD = 10
"""Of so many transactions the last one is not committed."""


@dataclass
class Commits:
    tried: int = 0

    @property
    def failed(self) -> bool:
        """Whether the newest one did."""
        return self.tried % GOOD == 0


class Unsure:
    """A pool or one of its connections, but for what becomes of transactions."""

    def __init__(self, real: Any, commits: Commits) -> None:
        self._real = real
        self._commits = commits

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator["Unsure"]:
        async with self._real.acquire() as connection:
            yield Unsure(connection, self._commits)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        transaction = self._real.transaction()
        await transaction.start()
        try:
            yield
        except BaseException:
            await transaction.rollback()
            raise
        self._commits.tried += 1
        await (transaction.rollback() if self._commits.failed else transaction.commit())


class HastyLog(PostgresLog):
    """Hands its events to the relay before it knows whether they are committed."""

    def __init__(self, pool: Any, app: str, *, most_mentions: int) -> None:
        self._commits = Commits(tried=1)
        unsure: Any = Unsure(pool, self._commits)
        super().__init__(unsure, app, most_mentions=most_mentions)
        self.publish: Callable[[Sequence[Stored]], None]

    async def append(self, commands: Sequence[Command]) -> list[Outcome | Exception]:
        outcomes = await super().append(commands)
        if self._commits.failed:
            self.publish([one.stored for one in outcomes if isinstance(one, Outcome) and one.stored])
            raise Unavailable("the commit failed")
        return outcomes


class HastyWriter(Writer):
    def __init__(
        self,
        log: HastyLog,
        committed: Callable[[Sequence[Stored]], None],
        happened: Callable[[Sequence[Event]], None],
        *,
        waiting: int,
    ) -> None:
        log.publish = committed
        super().__init__(log, committed, happened, waiting=waiting)


if __name__ == "__main__":
    vars(service).update(PostgresLog=HastyLog, Writer=HastyWriter)
    main()
