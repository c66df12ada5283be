"""Questions that the other services ask of comments over NATS, answered for one app."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar

from pydantic import ValidationError

from comments.errors import Unavailable
from events import Stop, Wire

PATIENCE_SECONDS = 2.0
"""Who asks waits no longer (fanout's default of `PARLEY_REPLAY_TIMEOUT`): a later answer is for nobody."""

log = logging.getLogger(__name__)


class Asked(Protocol):
    """A question, which says whose it is."""

    @property
    def app(self) -> str: ...

    @classmethod
    def model_validate_json(cls, json_data: bytes) -> Any: ...


Q = TypeVar("Q", bound=Asked)


class Turns:
    """Few questions are read at a time, and beyond a bound the answer is empty at once.

    When thousands of clients return together, what is asked for them must neither keep those who post from
    Postgres nor pile up until it is of no use.
    """

    def __init__(self, at_once: int, waiting: int, patience: float = PATIENCE_SECONDS) -> None:
        """`at_once` are read side by side, `waiting` wait, each for `patience` seconds."""
        self._free = asyncio.Semaphore(at_once)
        self._limit = waiting
        self._patience = patience
        self.waiting = 0
        self.turned_away = 0
        """Questions that were not read: too many waited, or it would have been too late."""

    async def take(self, find: Callable[[], Awaitable[bytes]]) -> bytes | None:
        """What is found; empty if too many wait, `None` if it was too late."""
        if self.waiting >= self._limit and self._free.locked():
            self.turned_away += 1
            return b""
        clock = asyncio.get_running_loop().time
        came = clock()
        self.waiting += 1
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1
        try:
            if clock() - came > self._patience:
                self.turned_away += 1
                return None
            return await find()
        finally:
            self._free.release()


class Questions(Generic[Q]):
    """Serves one subject for one app until it is stopped; the replicas of the app share it."""

    def __init__(
        self,
        wire: Wire,
        app: str,
        turns: Turns,
        subject: str,
        kind: type[Q],
        find: Callable[[Q], Awaitable[bytes]],
    ) -> None:
        self._wire = wire
        self._app = app
        self._turns = turns
        self._subject = subject
        self._kind = kind
        self._find = find
        self.served = 0

    async def run(self) -> None:
        stop: Stop = await self._wire.serve(self._subject, f"comments-{self._app}", self.answer)
        try:
            await asyncio.Event().wait()
        finally:
            await stop()

    async def answer(self, request: bytes) -> bytes | None:
        """What was asked for, or nothing for another app, whose log is elsewhere.

        An empty answer says that it cannot be given now, or that nobody should have asked for it.
        """
        try:
            asked: Q = self._kind.model_validate_json(request)
            return None if asked.app != self._app else await self._turns.take(lambda: self._found(asked))
        except (ValidationError, Unavailable) as error:
            log.warning("%s is not answered: %s", self._subject, error)
            return b""

    async def _found(self, asked: Q) -> bytes:
        found = await self._find(asked)
        self.served += 1
        return found
