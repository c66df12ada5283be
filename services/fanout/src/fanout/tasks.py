"""Work that goes on beside what started it, and ends with the service."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

log = logging.getLogger(__name__)


class Tasks:
    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None], failed: Callable[[], None] | None = None) -> None:
        """Begin the work; if it raises, that is logged and `failed` is called."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(partial(self._finished, failed))

    async def close(self) -> None:
        """Cancel what still runs."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _finished(self, failed: Callable[[], None] | None, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("work failed", exc_info=error)
            if failed is not None:
                failed()
