"""What the members of one active room are shown of each other: who is here, and how far they have come."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from events import subjects
from fanout.attendance import Attendance
from fanout.audience import Audience
from fanout.members import Member
from fanout.progress import Progress
from fanout.terms import Sources

Heard = Callable[[bytes], None]


class Company:
    """`members` are those of the room, live or not; `closed` is called when it is."""

    def __init__(
        self,
        room: str,
        members: Callable[[], Iterable[Member]],
        sources: Sources,
        closed: "Callable[[Company], None]",
    ) -> None:
        self.room = room
        self._sources = sources
        self._closed = closed
        self._audience = Audience(members, self._everything, sources.terms.shed, sources.figures)
        self._attendance = Attendance(room, self._audience, sources)
        self._progress = Progress(room, self._audience, sources)
        self.routes: Mapping[str, Heard] = {
            subjects.presence(sources.app, room, "joined"): self._attendance.joined,
            subjects.presence(sources.app, room, "left"): self._attendance.left,
            subjects.presence(sources.app, room, "changed"): self._attendance.joined,
            subjects.watermarks(sources.app, room): self._progress.moved,
        }
        self._attendance.loading.want()
        self._progress.loading.want()

    async def ready(self) -> None:
        """Wait a moment for what is not known yet, unless who could tell it did not answer lately."""
        parts = (
            (self._attendance.loading.tried, self._sources.presence),
            (self._progress.loading.tried, self._sources.receipts),
        )
        waiting = [tried for tried, queries in parts if queries.answering and not tried.is_set()]
        with suppress(TimeoutError):
            async with asyncio.timeout(self._sources.terms.patience):
                for tried in waiting:
                    await tried.wait()

    def presence(self) -> bytes:
        """Who is here, as JSON; a diff that is pushed later follows on it. `null` if it is not known."""
        return self._attendance.state()

    def receipts(self) -> bytes:
        """How far the members are, likewise."""
        return self._progress.state()

    def live(self, member: Member) -> None:
        """It keeps up from now on: it is given what it missed."""
        self._audience.live(member)

    def forget(self, member: Member) -> None:
        self._audience.forget(member)
        self._attendance.forget(member)

    async def ask(self, member: Member, users: Sequence[str]) -> bytes:
        """Who of these is here, as JSON; in a large room the member is told of them from now on.

        What is pushed later follows on the answer, if that is written without another wait. Raise `NoAnswer`.
        """
        return await self._attendance.ask(member, users)

    def wrote(self, users: Sequence[str]) -> None:
        """They wrote in the room, joined it or left it as members."""
        self._progress.wrote(users)

    def membership_changed(self) -> None:
        """Somebody became a member of the room, or is one no more."""
        self._progress.membership_changed()

    def restated(self) -> None:
        """Who is here must be asked anew."""
        self._attendance.check()

    def check(self) -> None:
        """Anything may have been missed."""
        self._attendance.check()
        self._progress.check()

    def close(self) -> None:
        self._attendance.close()
        self._progress.close()
        self._audience.close()
        self._closed(self)

    def _everything(self, member: Member) -> bytes:
        return self._attendance.frames(member) + self._progress.frames(member)
