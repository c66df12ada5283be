"""When NATS is away no live event comes: everybody is told so, and told when that is over."""

import asyncio

from events import Wire
from fanout.hub import Hub
from fanout.roster import Roster
from fanout.tasks import Tasks


class Outage:
    """Watches the connection to NATS. `grace` is in seconds: a shorter outage is nothing to speak of."""

    def __init__(self, wire: Wire, hub: Hub, roster: Roster, tasks: Tasks, *, grace: float) -> None:
        self._hub = hub
        self._roster = roster
        self._tasks = tasks
        self._grace = grace
        self._away = False
        self._telling: asyncio.TimerHandle | None = None
        wire.disconnected(self._begin)
        wire.reconnected(self._end)

    def _begin(self) -> None:
        self._away = True
        if self._telling is None and not self._roster.degraded:
            self._telling = asyncio.get_running_loop().call_later(self._grace, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self._roster.degrade()

    def _end(self) -> None:
        self._away = False
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        elif self._roster.degraded:
            self._tasks.spawn(self._restore())

    async def _restore(self) -> None:
        """Once every room has what was missed."""
        await self._hub.settled()
        if self._roster.degraded and not self._away:
            self._roster.restore()
