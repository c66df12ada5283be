"""nats-py's client, with what it lacks."""

import asyncio
from typing import Any

from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg


class Client(NatsClient):
    def forget_unsent(self) -> None:
        """Else nats-py sends it after a reconnect, before what was lost with the old connection."""
        self._pending.clear()
        self._pending_data_size = 0

    async def request(self, *arguments: Any, **options: Any) -> Msg:
        try:
            return await super().request(*arguments, **options)
        finally:
            _heed()

    async def flush(self, *arguments: Any, **options: Any) -> None:
        try:
            await super().flush(*arguments, **options)
        finally:
            _heed()

    async def _process_pong(self) -> None:
        """A pong whose `flush` has given up would end nats-py's reading: nothing would be heard for 30 s."""
        if self._pongs and self._pongs[0].done():
            self._pongs[0] = asyncio.get_running_loop().create_future()
        await super()._process_pong()


def describe(error: Exception) -> str:
    """nats-py raises many of its errors without a text."""
    return str(error) or type(error).__name__


def _heed() -> None:
    """nats-py waits by `asyncio.wait_for`, which before Python 3.12 can lose that the task was cancelled."""
    if (task := asyncio.current_task()) is not None and task.cancelling():
        raise asyncio.CancelledError
