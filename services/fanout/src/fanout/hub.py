"""The hub: which rooms are active here, and who is in them. It knows no protocol and no socket."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from events import Record, Stop, Stream, Wire, subjects
from fanout.live import LiveRoom
from fanout.members import Figures, Joined, Member
from fanout.native import Position
from fanout.pages import Pages
from fanout.room import Room

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bytes and seconds that the hub may use."""

    ring: int = 256 * 1024
    """Bytes of recent events kept for each active room."""
    early: int = 1024 * 1024
    """Bytes of events kept for each active room that were heard before those they follow."""
    linger: float = 30.0
    """Seconds for which a room stays active when its last member has left."""


@dataclass(slots=True, eq=False)
class _Active:
    live: LiveRoom
    opened: "asyncio.Task[None] | None" = None
    stops: list[Stop] = field(default_factory=list)
    ending: asyncio.TimerHandle | None = None


class Hub:
    """`pushed` is called with the records of each flush and the number of sockets they were written to."""

    def __init__(
        self,
        app: str,
        stream: Stream,
        wire: Wire,
        pages: Pages,
        bounds: Bounds,
        pushed: Callable[[Sequence[Record], int], None],
    ) -> None:
        self._app = app
        self._stream = stream
        self._wire = wire
        self._pages = pages
        self._bounds = bounds
        self._pushed = pushed
        self._active: dict[str, _Active] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.figures = Figures()
        wire.reconnected(self.check)

    @property
    def rooms(self) -> int:
        return len(self._active)

    async def join(self, member: Member, since: Position | None, joined: Callable[[Joined], None]) -> None:
        """Call `joined`, then give the member what it missed, then what happens.

        Raise `NoAnswer` if the room cannot be opened now.
        """
        active = self._activate(member.room)
        assert active.opened is not None
        await asyncio.shield(active.opened)
        try:
            await active.live.join(member, since, joined)
        finally:
            self._end_if_empty(member.room, active)

    def leave(self, member: Member) -> None:
        active = self._active.get(member.room)
        member.gone = True
        if active is not None:
            active.live.leave(member)
            self._end_if_empty(member.room, active)

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
            active.live.fill()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Rooms

    def _activate(self, name: str) -> _Active:
        active = self._active.get(name)
        if active is None or active.live.replaced:
            room = Room(name, ring=self._bounds.ring, early=self._bounds.early)
            live = LiveRoom(room, self._pages, self.figures, self.spawn, self._pushed)
            active = self._active[name] = _Active(live)
            active.opened = asyncio.create_task(self._open(name, active))
            active.opened.add_done_callback(_seen)
        if active.ending is not None:
            active.ending.cancel()
            active.ending = None
        return active

    async def _open(self, name: str, active: _Active) -> None:
        """Listen first, then ask where the log stands: nothing falls between."""
        try:
            active.stops.append(await self._stream.follow(self._app, name, active.live.heard))
            heard = _signals(active.live)
            active.stops.append(await self._wire.listen(subjects.signals(self._app, name), heard))
            await active.live.open()
        except BaseException:
            await self._end(name, active)
            raise

    def _end_if_empty(self, name: str, active: _Active) -> None:
        if not active.live.members and active.ending is None and active is self._active.get(name):
            later = asyncio.get_running_loop().call_later
            active.ending = later(self._bounds.linger, self._spawn_end, name, active)

    def _spawn_end(self, name: str, active: _Active) -> None:
        if not active.live.members:
            self.spawn(self._end(name, active))

    async def _end(self, name: str, active: _Active) -> None:
        if self._active.get(name) is active:
            del self._active[name]
        for stop in active.stops:
            await stop()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("work for a room failed", exc_info=error)


def _signals(live: LiveRoom) -> Callable[[str, bytes], None]:
    def heard(_subject: str, payload: bytes) -> None:
        origin, _, data = payload.partition(b"\n")
        live.signal(origin.decode(), data)

    return heard


def _seen(task: asyncio.Task[None]) -> None:
    """Those who wait for the room are told; that nobody waits any more is no error."""
    if not task.cancelled():
        task.exception()
