"""People with connections, as fanout tells presence of them; what presence says; and replicas of presence."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
from contract.recording import PATIENCE
from processes import Process

from events import StreamError, Wire, subjects
from events.leases import LastSeen, Leases
from events.presence import Activity, Joined, Lease, Left, PresenceAnswer, PresenceQuery
from presence.service import Parts
from presence.settings import Settings

APP = "app"
Serving = Callable[[Settings], AbstractAsyncContextManager[httpx.AsyncClient]]
"""Serves presence, and gives a client of it."""
Starting = Callable[[str], Process]
"""Starts a replica on the NATS with this URL."""
BEGUN = datetime(2026, 11, 23, 12, tzinfo=UTC)

_numbers = itertools.count(1)


def key(user: str, connection: str = "c1", app: str = APP) -> str:
    return subjects.lease(app, user, connection)


def lease(
    user: str,
    *rooms: str,
    name: str | None = None,
    device: str | None = None,
    activity: Activity = "active",
    since: float = 0,
) -> bytes:
    """The value of a lease; `since` is in seconds after all began."""
    at = BEGUN + timedelta(seconds=since)
    return Lease(user=user, name=name, device=device, activity=activity, rooms=list(rooms), since=at).encode()


@dataclass
class Holder:
    """A fanout: holds connections, and beats for all of them until it is killed."""

    leases: Leases
    app: str = APP
    ttl: int = 2
    beat: float = 0.5
    held: dict[str, bytes] = field(default_factory=dict)

    async def hold(self, user: str, *rooms: str, connection: str | None = None) -> str:
        """A new connection, or where it is now."""
        name = connection or f"c{next(_numbers)}"
        value = self.held[key(user, name, self.app)] = lease(user, *rooms, since=float(name[1:]))
        with suppress(StreamError):  # then the next beat brings it
            await (await self.leases.extend(key(user, name, self.app), value, self.ttl))
        return name

    async def drop(self, user: str, connection: str) -> None:
        del self.held[key(user, connection, self.app)]
        with suppress(StreamError):
            await (await self.leases.end(key(user, connection, self.app)))

    async def run(self) -> None:
        while True:
            for name, value in list(self.held.items()):
                with suppress(StreamError):
                    await (await self.leases.extend(name, value, self.ttl))
            await asyncio.sleep(self.beat)


@asynccontextmanager
async def beating(holder: Holder) -> AsyncIterator[Holder]:
    """Killed at the end: what it holds expires."""
    task = asyncio.create_task(holder.run())
    try:
        yield holder
    finally:
        task.cancel()
        await asyncio.wait([task])


class Ears:
    """Hears what presence says, as fanout does."""

    def __init__(self, app: str = APP) -> None:
        self._app = app
        self.said: list[tuple[str, str, str]] = []
        """Transition, room and user."""
        self.counts: dict[str, int] = {}
        """The last that was told, by room."""
        self.messages = 0
        self.restated = 0
        self._news = asyncio.Event()

    async def listen(self, wire: Wire) -> None:
        await wire.listen(subjects.presence_of(self._app), self._heard)
        await wire.listen(subjects.restated(self._app), self._heard_restated)

    def _heard(self, subject: str, payload: bytes) -> None:
        _, room, transition = subjects.parts(subject)
        heard = Left.decode(payload) if transition == "left" else Joined.decode(payload)
        users = heard.users if isinstance(heard, Left) else [person.user for person in heard.people]
        self.said += [(transition, room, user) for user in users]
        self.counts[room] = heard.count
        self.messages += 1
        self._news.set()

    def _heard_restated(self, _subject: str, _payload: bytes) -> None:
        self.restated += 1
        self._news.set()

    async def until(self, *said: tuple[str, str, str], restated: int = 0) -> None:
        """Wait until all of this has been said."""
        async with asyncio.timeout(3 * PATIENCE):
            while not (set(said) <= set(self.said) and self.restated >= restated):
                self._news.clear()
                await self._news.wait()


async def ask(wire: Wire, room: str, *users: str, app: str = APP, limit: int = 1000) -> PresenceAnswer | None:
    """What presence answers; `None` if that is not known."""
    query = PresenceQuery(app=app, room=room, users=list(users) or None, limit=limit)
    try:
        answer = await wire.request(subjects.PRESENCE_QUERY, query.encode(), 2)
    except StreamError:
        return None
    return PresenceAnswer.decode(answer) if answer else None


async def shown(wire: Wire, room: str, *users: str, app: str = APP) -> PresenceAnswer:
    """Wait until exactly these are shown in the room."""
    async with asyncio.timeout(3 * PATIENCE):
        while True:
            answer = await ask(wire, room, app=app)
            if answer is not None and [person.user for person in answer.people] == list(users):
                return answer
            await asyncio.sleep(0.05)


@asynccontextmanager
async def replica(
    settings: Settings, wire: Wire, leases: Leases, last_seen: LastSeen, *, alone: bool = False
) -> AsyncIterator[Parts]:
    """One replica of presence, until the end."""
    parts = Parts(settings, wire, leases, last_seen, alone=alone)
    tasks = [asyncio.create_task(loop()) for loop in parts.loops]
    try:
        yield parts
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert all(task.cancelled() for task in tasks)
