"""The hub: which rooms are active here, and who is in them. It knows no protocol and no socket."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from events import Stop, Stream, Wire, subjects
from fanout.live import LiveRoom, Pushed
from fanout.members import Figures, Joined, Member
from fanout.native import Position
from fanout.pages import Pages
from fanout.room import Room
from fanout.tasks import Tasks


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bytes and seconds that the hub may use."""

    ring: int = 256 * 1024
    """Bytes of memory for each active room's recent events."""
    early: int = 1024 * 1024
    """Bytes of memory for each active room's events that were heard before those they follow."""
    linger: float = 30.0
    """Seconds for which a room stays active when its last member has left."""


@dataclass(slots=True, eq=False)
class _Active:
    live: LiveRoom
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
        tasks: Tasks,
        bounds: Bounds,
        pushed: Pushed,
    ) -> None:
        self._app = app
        self._stream = stream
        self._wire = wire
        self._pages = pages
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
            await active.live.join(member, since, joined)
        finally:
            active.joining -= 1
            self._end_if_empty(active)

    def leave(self, member: Member) -> None:
        member.gone = True
        if (active := self._active.get(member.room)) is not None:
            active.live.leave(member)
            self._end_if_empty(active)

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

    def check(self) -> None:
        """Events may have been missed: compare every active room with the log."""
        for active in self._active.values():
            active.live.feed.check()

    async def close(self) -> None:
        """End every room; nobody is told."""
        for active in list(self._active.values()):
            await self._end(active)

    def _activate(self, name: str) -> _Active:
        active = self._active.get(name)
        if active is not None and active.live.feed.closed:
            self._forget(active)
            active = None
        if active is None:
            room = Room(name, ring=self._bounds.ring, early=self._bounds.early)
            live = LiveRoom(room, self._pages, self.figures, self._tasks, self._pushed)
            active = self._active[name] = _Active(live)
            active.opened = asyncio.create_task(self._open(name, active))
            active.opened.add_done_callback(_seen)
        active.stay()
        return active

    async def _open(self, name: str, active: _Active) -> None:
        """Listen first, then ask where the log stands: nothing falls between."""
        try:
            active.stops.append(await self._stream.follow(self._app, name, active.live.feed.heard))
            heard = _signals(active.live)
            active.stops.append(await self._wire.listen(subjects.signals(self._app, name), heard))
            await active.live.feed.open()
        except BaseException:
            self._forget(active)
            raise

    def _end_if_empty(self, active: _Active) -> None:
        if active.empty and active.ending is None and not active.live.feed.closed:
            later = asyncio.get_running_loop().call_later
            active.ending = later(self._bounds.linger, self._forget, active)

    def _forget(self, active: _Active) -> None:
        """At once out of the table; then its feed is stopped."""
        self._tasks.spawn(self._end(active))
