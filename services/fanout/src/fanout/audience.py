"""The members of a room as readers of what is ambient: who is here, how far they are.

Whoever catches up, or reads too slowly, is given nothing of it, and all of it later. So is whoever watches
what they have not read, as a member of no one room.
"""

import asyncio
from collections.abc import Callable, Iterable

from fanout.members import Encoding, Member
from fanout.terms import Figures

LOOK_SECONDS = 1.0
"""Between two looks whether those who read too slowly have taken what waited for them."""

Frame = Callable[[Encoding], bytes]


class Audience:
    """`everything` gives all frames that a member needs that knows nothing; `shed` is in bytes."""

    def __init__(
        self,
        members: Callable[[], Iterable[Member]],
        everything: Callable[[Member], bytes],
        shed: int,
        figures: Figures,
    ) -> None:
        self._members = members
        self._everything = everything
        self._shed = shed
        self._figures = figures
        self._stale: set[Member] = set()
        """They missed something."""
        self._timer: asyncio.TimerHandle | None = None

    def push(self, frame: Frame, members: Iterable[Member] | None = None) -> None:
        """To these members, or to all; encoded once for each encoding."""
        frames: dict[Encoding, bytes] = {}
        for member in list(self._members() if members is None else members):
            if member in self._stale:
                continue
            if not self._takes(member):
                self._miss(member)
                continue
            if member.encoding not in frames:
                frames[member.encoding] = frame(member.encoding)
                self._figures.diffs += 1
            member.sink.socket.write(frames[member.encoding])

    def live(self, member: Member) -> None:
        """It keeps up again."""
        if member in self._stale:
            self._give(member)

    def forget(self, member: Member) -> None:
        self._stale.discard(member)

    def close(self) -> None:
        self._stale.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _takes(self, member: Member) -> bool:
        return member.live and member.takes and member.sink.socket.buffered <= self._shed

    def _miss(self, member: Member) -> None:
        self._stale.add(member)
        self._figures.stale += 1
        self._look_later(member)

    def _look_later(self, member: Member) -> None:
        """Whether it has taken what waits for it; one that is not live says itself when it is."""
        if member.live and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._timer = None
        for member in list(self._stale):
            if member.live:
                self._give(member)

    def _give(self, member: Member) -> None:
        if self._takes(member):
            self._stale.discard(member)
            member.sink.socket.write(self._everything(member))
        else:
            self._look_later(member)
