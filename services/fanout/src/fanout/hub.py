"""The hub: which rooms are active here, and who is in them. It knows no protocol and no socket."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from events import NoAnswer, Stop, Stream, Wire, subjects
from fanout.companies import Companies
from fanout.company import Company
from fanout.live import LiveRoom, Pushed
from fanout.members import Figures, Joined, Member
from fanout.pages import Pages
from fanout.requests import Position
from fanout.room import Room
from fanout.tasks import Tasks


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bytes and seconds that the hub may use."""

    ring: int = 256 * 1024
    """Bytes of memory for each active room's recent events."""
    early: int = 1024 * 1024
    """Bytes of memory for each active room's events that were heard before those they follow."""
    shed: int = 64 * 1024
    """Bytes that may wait for a member before it gets no more signals."""
    linger: float = 30.0
    """Seconds for which a room stays active when its last member has left."""


@dataclass(slots=True, eq=False)
class _Active:
    name: str
    live: LiveRoom
    company: Company
    opened: "asyncio.Task[None] | None" = None
    joining: int = 0
    """Members that wait to be let in."""
    stops: list[Stop] = field(default_factory=list)
    ending: asyncio.TimerHandle | None = None

    @property
    def empty(self) -> bool:
        return not self.joining and not self.live.members

    def stay(self) -> None:
        if self.ending is not None:
            self.ending.cancel()
            self.ending = None


class Hub:
    def __init__(
        self,
        app: str,
        stream: Stream,
        wire: Wire,
        pages: Pages,
        companies: Companies,
        tasks: Tasks,
        bounds: Bounds,
        pushed: Pushed,
    ) -> None:
        self._app = app
        self._stream = stream
        self._wire = wire
        self._pages = pages
        self._companies = companies
        self._tasks = tasks
        self._bounds = bounds
        self._pushed = pushed
        self._active: dict[str, _Active] = {}
        self.figures = Figures()
        wire.reconnected(self.check)

    @property
    def rooms(self) -> int:
        return len(self._active)

    async def join(self, member: Member, since: Position | None, joined: Callable[[Joined], None]) -> None:
        """Call `joined`, then give the member what it missed, then what happens.

        Neither is done if the member leaves before. Raise `NoAnswer` if the room cannot be opened now.
        """
        active = self._activate(member.room)
        active.joining += 1
        assert active.opened is not None
        try:
            await asyncio.shield(active.opened)
            await active.company.ready()
            await active.live.join(member, since, joined)
        finally:
            active.joining -= 1
            self._end_if_empty(active)

    def leave(self, member: Member) -> None:
        member.gone = True
        if (active := self._active.get(member.room)) is not None:
            active.live.leave(member)
            self._end_if_empty(active)

    def flush(self, member: Member) -> None:
        """Write what the member's room has heard."""
        if (active := self._active.get(member.room)) is not None:
            active.live.flush()

    def pause(self, member: Member) -> None:
        if (active := self._active.get(member.room)) is not None:
            active.live.pause(member)

    def resume(self, member: Member) -> None:
        if (active := self._active.get(member.room)) is not None:
            active.live.catch_up(member)

    async def signal(self, room: str, name: str, origin: str, data: bytes) -> None:
        """To everybody in the room, on every server. Raise `StreamError` if it cannot be sent now."""
        payload = b"%b\n%b" % (origin.encode(), data)
        await self._wire.send(subjects.signal(self._app, room, name), payload)

    async def ask_presence(self, member: Member, users: Sequence[str]) -> bytes:
        """Who of these is here, as a JSON object; in a large room the member is told of them from now on.

        Raise `NoAnswer`.
        """
        active = self._active.get(member.room)
        if active is None:
            raise NoAnswer(f"{member.room} is not active")
        return await active.company.ask(member, users)

    def epoch_of(self, room: str, offset: int) -> str | None:
        """Of the room's history, if the room is active here and has come as far as the offset."""
        active = self._active.get(room)
        if active is None or not active.live.feed.room.opened or active.live.feed.room.head < offset:
            return None
        return active.live.feed.room.epoch

    def check(self) -> None:
        """Events may have been missed: compare every active room with the log."""
        for active in self._active.values():
            active.live.feed.check()

    async def settled(self) -> None:
        """Wait until every active room is as far as the log was when it was last doubted."""
        await asyncio.gather(*[active.live.feed.settled() for active in self._active.values()])

    async def close(self) -> None:
        """Stop every room's feed; nobody is told."""
        for active in list(self._active.values()):
            assert active.opened is not None
            active.opened.cancel()
            self._remove(active)
            await _stop(active)

    def _activate(self, name: str) -> _Active:
        active = self._active.get(name)
        if active is not None and active.live.feed.closed:
            self._end(active)
            active = None
        if active is None:
            active = self._active[name] = self._make(name)
            active.opened = asyncio.create_task(self._open(active))
            active.opened.add_done_callback(_seen)
        active.stay()
        return active

    def _make(self, name: str) -> _Active:
        room = Room(name, ring=self._bounds.ring, early=self._bounds.early)
        members: set[Member] = set()
        company = self._companies.open(name, lambda: members)
        shed = self._bounds.shed
        live = LiveRoom(room, members, company, self._pages, self.figures, self._tasks, self._pushed, shed)
        return _Active(name, live, company)

    async def _open(self, active: _Active) -> None:
        """Listen first, then ask where the log stands: nothing falls between."""
        feed, name = active.live.feed, active.name
        try:
            active.stops.append(await self._stream.follow(self._app, name, feed.heard))
            heard = _signals(active.live)
            active.stops.append(await self._wire.listen(subjects.signals(self._app, name), heard))
            await feed.open()
        except BaseException:
            self._end(active)
            raise

    def _end_if_empty(self, active: _Active) -> None:
        if active.empty and active.ending is None and active is self._active.get(active.name):
            later = asyncio.get_running_loop().call_later
            active.ending = later(self._bounds.linger, self._end, active)

    def _end(self, active: _Active) -> None:
        """At once nobody finds it any more; then its feed stops."""
        self._remove(active)
        self._tasks.spawn(_stop(active))

    def _remove(self, active: _Active) -> None:
        active.live.feed.closed = True
        active.company.close()
        active.stay()
        if self._active.get(active.name) is active:
            del self._active[active.name]


async def _stop(active: _Active) -> None:
    stops, active.stops = active.stops, []
    for stop in stops:
        await stop()


def _signals(live: LiveRoom) -> Callable[[str, bytes], None]:
    def heard(_subject: str, payload: bytes) -> None:
        origin, _, data = payload.partition(b"\n")
        live.signal(origin.decode(), data)

    return heard


def _seen(task: asyncio.Task[None]) -> None:
    """Those who wait for the room are told; that nobody waits any more is no error."""
    if not task.cancelled():
        task.exception()
