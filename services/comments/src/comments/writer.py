"""Group commit: everything that waits is appended in one transaction, while the next batch gathers."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from comments.commands import Command
from comments.errors import Overloaded, TooSlow, Unavailable
from comments.log import Log, Outcome, Stored
from events import Event

BATCH = 256
"""Commands in one transaction at most: more adds latency and no throughput."""

log = logging.getLogger(__name__)

Waiting = tuple[Command, asyncio.Future[Outcome]]


class Writer:
    """The one that appends, for this process; `committed` and `happened` are told at once what was."""

    def __init__(
        self,
        log: Log,
        committed: Callable[[Sequence[Stored]], None],
        happened: Callable[[Sequence[Event]], None] = lambda _: None,
        *,
        waiting: int,
    ) -> None:
        """At most `waiting` commands wait; beyond, `submit` refuses."""
        self._log = log
        self._committed = committed
        self._happened = happened
        self._limit = waiting
        self._waiting: deque[Waiting] = deque()
        self._woken = asyncio.Event()
        self._trouble: str | None = None
        self.batches = 0
        self.commands = 0

    @property
    def depth(self) -> int:
        return len(self._waiting)

    def submit(self, command: Command) -> asyncio.Future[Outcome]:
        """The outcome once it is durable; the future raises the `Problem` for which it is refused.

        Raise `Overloaded` if too much waits.
        """
        if len(self._waiting) >= self._limit:
            raise Overloaded(f"{self._limit} commands wait already", headers={"Retry-After": "1"})
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, outcome))
        self._woken.set()
        return outcome

    async def run(self) -> None:
        """Append until cancelled."""
        while True:
            await self._woken.wait()
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            if not self._waiting:
                self._woken.clear()
            if batch:
                await self._append(batch)

    async def _append(self, batch: Sequence[Waiting]) -> None:
        try:
            outcomes = await self._log.append([command for command, _ in batch])
        except Unavailable as reason:
            self._report(reason)
            outcomes = [reason] * len(batch)
            if isinstance(reason, TooSlow):
                self._refuse_all(reason)
        else:
            self._report(None)
        self.batches += 1
        self.commands += len(batch)
        done = [one for one in outcomes if isinstance(one, Outcome)]
        if stored := [one.stored for one in done if one.stored is not None]:
            self._committed(stored)
            self._happened([one.event for one in done if one.event is not None])
        for (_, waiter), outcome in zip(batch, outcomes, strict=True):
            _settle(waiter, outcome)

    def _refuse_all(self, reason: Unavailable) -> None:
        """Those who wait have waited for the batch that failed: nobody shall wait for two."""
        for _, waiter in self._waiting:
            _settle(waiter, reason)
        self._waiting.clear()

    def _report(self, reason: Unavailable | None) -> None:
        """Once when it begins and once when it ends: there may be hundreds of batches in between."""
        trouble = None if reason is None else reason.code
        if trouble is not None and trouble != self._trouble:
            log.warning("the log is unavailable: %s", reason)
        elif trouble is None and self._trouble is not None:
            log.warning("the log is available again")
        self._trouble = trouble


def _settle(waiter: asyncio.Future[Outcome], outcome: Outcome | Exception) -> None:
    if waiter.done():
        return
    if isinstance(outcome, Exception):
        waiter.set_exception(outcome)
    else:
        waiter.set_result(outcome)
