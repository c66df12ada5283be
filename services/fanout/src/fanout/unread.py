"""What the users behind the connections have not read: asked of comments when something changed, and pushed.

A hint says which rooms were written to; one of which nobody who is watched is a member costs a look-up.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from events import NoAnswer, Stop, Wire, subjects
from events.receipts import MAX_USERS, RoomUnread, UnreadAnswer, UnreadRequest, Watermarks
from fanout.hints import changes_of
from fanout.lanes import Lane
from fanout.loading import pause
from fanout.queries import Queries
from fanout.survey import Survey
from fanout.tasks import Tasks
from fanout.watchers import Push, Reading, Watchers

URGENT_SECONDS = 0.05
"""Between two questions about one room when somebody read on there."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Figures:
    """Read by metrics."""

    queries: int
    """Questions that were asked."""
    pushes: int


@dataclass(slots=True)
class _Running:
    """A room of which something is asked, or was a moment ago."""

    lane: Lane = field(default_factory=Lane)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    """Somebody read on there."""


class Unread:
    def __init__(
        self, app: str, wire: Wire, tasks: Tasks, *, interval: float = 0.5, timeout: float = 2.0
    ) -> None:
        """At most one question about a room in `interval` seconds, for up to `MAX_USERS` of its members."""
        self._app = app
        self._wire = wire
        self._tasks = tasks
        self._interval = interval
        self._queries = Queries(wire, subjects.UNREAD, timeout)
        self._watchers = Watchers()
        self._survey = Survey(self._ask, self._learn, tasks)
        self._running: dict[str, _Running] = {}
        self._stops: list[Stop] = []
        wire.reconnected(self.check)

    @property
    def figures(self) -> Figures:
        return Figures(self._queries.asked, self._watchers.pushed)

    @property
    def users(self) -> int:
        """Those who are watched."""
        return len(self._watchers)

    async def listen(self) -> None:
        listen = self._wire.listen
        self._stops.append(await listen(subjects.changed(self._app), self._changed))
        self._stops.append(await listen(subjects.watermarks_of(self._app), self._moved))
        self._stops.append(await listen(subjects.restored(self._app), lambda *_: self.check()))

    async def close(self) -> None:
        self._survey.close()
        stops, self._stops = self._stops, []
        for stop in stops:
            await stop()

    async def watch(self, connection: str, user: str, push: Push) -> bytes:
        """What the user has not read of all rooms, as JSON; what changes is pushed from now on.

        Pushes follow on the answer if that is written without another wait. Raise `NoAnswer`.
        """
        self._watchers.add(connection, user)
        if not self._watchers.knows(user) and not await self._survey.look(user):
            self.drop(connection)
            raise NoAnswer("what is unread is not known now")
        told = self._watchers.begin(connection, push)
        if told is None:
            raise NoAnswer("the connection is gone")
        return told

    def known(self, user: str) -> bytes:
        """What is known of somebody who is watched, as JSON."""
        return self._watchers.known(user)

    def drop(self, connection: str) -> None:
        self._watchers.remove(connection)

    def check(self) -> None:
        """Anything may have been missed."""
        self._survey.look_until_answered(self._watchers.users)
        for running in self._running.values():
            running.lane.changed(())

    # What is heard

    def _changed(self, _subject: str, payload: bytes) -> None:
        for change in changes_of(payload):
            self._survey.hear(change.room)
            users = [user for user in change.users if user in self._watchers]
            if users or self._concerns(change.room):
                self._run(change.room).lane.changed(users)

    def _moved(self, subject: str, payload: bytes) -> None:
        room = subjects.room_of(subject.rsplit(".", 1)[1])
        self._survey.hear(room)
        if not self._concerns(room):
            return
        try:
            moved = Watermarks.decode(payload).moved
        except ValueError:
            log.warning("watermarks cannot be read", extra={"room": room})
            return
        for each in moved:
            if self._watchers.reads_on(room, each):
                self._read(room, each.user, ask=self._watchers.read(room, each))

    def _concerns(self, room: str) -> bool:
        """Somebody who is watched is a member, or it is being asked whether they are."""
        return bool(self._watchers.of(room)) or room in self._running

    def _read(self, room: str, user: str, *, ask: bool) -> None:
        if ask or room in self._running:
            running = self._run(room)
            running.lane.read(user, ask=ask)
            if ask:
                running.woken.set()

    # What is asked

    async def _ask(self, users: Sequence[str], room: str | None = None) -> UnreadAnswer:
        request = UnreadRequest(app=self._app, users=list(users), room=room)
        return await self._queries.ask(request.encode(), UnreadAnswer.decode)

    def _learn(self, user: str, rooms: Sequence[RoomUnread], reading: Reading) -> None:
        self._watchers.learn(user, rooms, reading)
        known = set(self._watchers.rooms(user))
        for room in known.intersection(reading.heard):
            self._run(room).lane.put([user])

    def _run(self, room: str) -> _Running:
        running = self._running.get(room)
        if running is None:
            running = self._running[room] = _Running()
            self._tasks.spawn(self._ask_on(room, running))
        return running

    async def _ask_on(self, room: str, running: _Running) -> None:
        """Until nothing waits."""
        vain = 0
        try:
            while users := running.lane.take(MAX_USERS, self._watchers, self._watchers.of(room)):
                try:
                    answer = await self._ask(users, room)
                except NoAnswer:
                    running.lane.put(users)
                    await asyncio.sleep(pause(vain))
                    vain += 1
                else:
                    vain = 0
                    self._learn_room(room, users, answer, running.lane)
                    await self._rest(running)
        finally:
            del self._running[room]

    def _learn_room(self, room: str, users: Sequence[str], answer: UnreadAnswer, lane: Lane) -> None:
        for user in users:
            if not lane.superseded(user):
                found = [each for each in answer.users.get(user, ()) if each.room == room]
                self._watchers.learn_room(room, user, found[0] if found else None)

    async def _rest(self, running: _Running) -> None:
        await asyncio.sleep(min(URGENT_SECONDS, self._interval))
        if running.lane.urgent:
            return
        running.woken.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0, self._interval - URGENT_SECONDS)):
                await running.woken.wait()
