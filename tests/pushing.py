"""The notifier's core over Postgres, with senders that keep what they get, and NATS in memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pushworld import World

from events import subjects
from events.presence import PresenceAnswer, PresenceQuery, Present
from events.receipts import RoomUnread, UnreadAnswer, UnreadRequest
from events.testing import MemoryNats
from notifier.badges import Badges
from notifier.deciding import Deciding, People, Terms
from notifier.devices import Devices
from notifier.looking import Looking
from notifier.matters import Matters
from notifier.model import PLATFORMS, Platform
from notifier.outbox import Outbox
from notifier.preferences import PreferencesTable
from notifier.presences import Presences
from notifier.sender import Delivered, Outcome, Push
from notifier.sending import Sending


@dataclass
class KeptSender:
    """Keeps what it is handed, and answers as it is told: with outcomes in turn, then with `Delivered`."""

    pushes: list[Push] = field(default_factory=list)
    outcomes: list[Outcome | Exception] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, nothing is answered."""

    def __post_init__(self) -> None:
        self.open.set()

    async def send(self, push: Push) -> Outcome:
        self.pushes.append(push)
        await self.open.wait()
        outcome = self.outcomes.pop(0) if self.outcomes else Delivered("taken")
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def close(self) -> None:
        """Nothing to close."""


@dataclass
class Neighbours:
    """Presence and comments, as far as the notifier asks them."""

    nats: MemoryNats
    app: str
    here: dict[str, str] = field(default_factory=dict)
    """Activity of who is here, in every room."""
    unread: dict[str, int] = field(default_factory=dict)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Neighbours"]:
        stops = [
            await self.nats.serve(subjects.PRESENCE_QUERY, "presence", self._presence),
            await self.nats.serve(subjects.UNREAD, "comments", self._unread),
        ]
        yield self
        for stop in stops:
            await stop()

    async def _presence(self, request: bytes) -> bytes:
        asked = PresenceQuery.decode(request)
        people = [
            Present(user=user, here=user in self.here, activity=self.here.get(user, "idle"))
            for user in asked.users or []
        ]
        return PresenceAnswer(count=len(self.here), asked=people).encode()

    async def _unread(self, request: bytes) -> bytes:
        asked = UnreadRequest.decode(request)
        rooms = {
            user: [RoomUnread(room="any", head=9, read=0, unread=self.unread[user], mentioned=False)]
            for user in asked.users
            if user in self.unread
        }
        return UnreadAnswer(users=rooms).encode()


class Core:
    """Deciding and sending, with a sender for each platform that is on."""

    def __init__(
        self,
        world: World,
        nats: MemoryNats,
        *,
        on: Iterable[Platform] = PLATFORMS,
        ttl: float = 3600,
        interval: float = 0,
        attempts: int = 6,
        concurrency: int = 100,
        deadline: float = 10,
        outbox: type[Outbox] = Outbox,
    ) -> None:
        self.senders: dict[str, KeptSender] = {platform: KeptSender() for platform in on}
        off = [platform for platform in PLATFORMS if platform not in self.senders]
        matters, self.outbox = Matters(world.pool, world.app), outbox(world.pool, world.app)
        self.presences = Presences(nats, world.app)
        devices = Devices(world.pool, world.app, most=20)
        people = People(devices, PreferencesTable(world.pool, world.app), self.presences)
        terms = Terms(ttl=ttl, interval=interval, off=off)
        self.deciding = Deciding(matters, self.outbox, people, terms, batch=500)
        looking = Looking(matters, people, Badges(nats, world.app), terms, title="")

        def make() -> Sending:
            return Sending(
                self.outbox, looking, devices, self.senders, self.deciding.due,
                deadline=deadline, attempts=attempts, concurrency=concurrency,
            )  # fmt: skip

        self._make = make
        self.sending = make()

    @property
    def pushes(self) -> list[Push]:
        """Handed to senders."""
        return [push for sender in self.senders.values() for push in sender.pushes]

    @asynccontextmanager
    async def sends(self) -> AsyncIterator[None]:
        """Sending runs, as in a process that has just begun; at the end it is drained."""
        self.sending = self._make()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(self.sending.run())
            yield
            await self.sending.drain()
            running.cancel()

    async def send_due(self) -> None:
        """Until nothing is due."""
        async with self.sends():
            await until_async(self._idle)

    async def _idle(self) -> bool:
        due, _ = await self.outbox.overdue()
        return due == 0


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.01)


async def until_async(holds: Callable[[], Awaitable[bool]]) -> None:
    while not await holds():
        await asyncio.sleep(0.01)
