"""Who is shown as here, and when it is said that somebody joined or left: pure, time is an argument.

Shown is who has a live lease, and who was announced and is not yet said to have left. All replicas follow the
same leases and decide the same; the one that leads says it, the others hear that and take it over.

While it is not certain that all leases are known, the rules are held: nothing is said; at the end the
differences are. Who does not know for certain what was said says that all must be asked anew (`restated`).
"""

import math
from collections.abc import Callable, Iterable, Mapping

from events.presence import Person
from presence.agenda import Agenda
from presence.connections import Connection, read
from presence.crowd import Crowd
from presence.rooms import Standing, person
from presence.transitions import Transitions


class Rules:
    """Times are in seconds on a clock that never goes back."""

    def __init__(
        self,
        *,
        damping: float,
        hold: float,
        patience: float,
        alone: bool = False,
        seen: Callable[[str, str], None] = lambda _room, _user: None,
    ) -> None:
        """After a clean end a user has `damping` seconds to come back. A hold lasts `hold` seconds.

        What a follower sees and does not hear for `patience` seconds was said before it listened, or will
        never be: a leader that died is replaced in less. `alone` says that nobody can have been here before.
        `seen` is called with room and user when they have come or gone.
        """
        self.crowd = Crowd()
        self.said = Transitions()
        """What is to be said, while this process leads."""
        self.known = False
        """Whether who is shown can be relied upon."""
        self.leading = False
        self.heard = 0
        """Leases that were begun or extended."""
        self.unreadable = 0
        """Of them, those that are none."""
        self._damping, self._hold, self._patience = damping, hold, patience
        self._alone, self._seen = alone, seen
        self._begun = False
        self._held_until: float | None = math.inf
        self._certain_at = math.inf
        """From then on what was announced is known for certain."""
        self._differing = Agenda()
        self._differing.delay(patience)

    @property
    def held(self) -> bool:
        return self._held_until is not None

    def certain(self, now: float) -> bool:
        """Whether it is known what was announced: who takes the lead then says only the differences."""
        return now >= self._certain_at

    # What becomes of the leases

    def began(self, leases: Mapping[str, bytes], *, whole: bool, now: float) -> None:
        """All that are live. This process leads no more until it is told so again."""
        self.follow()
        first, self._begun = not self._begun, True
        if first and self._alone:
            whole, self._held_until, self._certain_at = True, None, -math.inf
        elif first or not whole or self._held_until == math.inf:
            self._held_until = now + self._hold
        self.known = whole
        for key in [key for key in self.crowd.connections if key not in leases]:
            self._end(key, now + (self._damping if whole else 0))
        for key, value in leases.items():
            self.extended(key, value, now)

    def extended(self, key: str, value: bytes, now: float) -> None:
        self.heard += 1
        before = self.crowd.connections.get(key)
        if before is not None and before.value == value:
            return
        try:
            connection = read(key, value)
        except ValueError:
            self.unreadable += 1
            self._end(key, now)
            return
        self._change(key, connection, now)

    def ended(self, key: str, *, expired: bool, now: float) -> None:
        """A lease that expired was not extended for long enough: its user is not waited for any more."""
        self._end(key, now if expired else now + self._damping)

    def lost(self) -> None:
        """Nothing is heard until `began`."""
        self.follow()
        self.known = False
        self._held_until = math.inf

    # Who says it

    def lead(self) -> None:
        """What is true and was not announced is said from now on."""
        if not self.leading:
            self.leading = True
            self._differing.delay(0)

    def follow(self) -> None:
        """Somebody else says it, and what this process has not sent it may not send any more."""
        if self.leading:
            self.leading = False
            self._differing.delay(self._patience)
            if self.said:
                self.doubt()
            self.said.clear()

    def doubt(self) -> None:
        """What this process said or should have heard may have been lost."""
        self._certain_at = math.inf

    def heard_joined(self, room: str, people: Iterable[Person], now: float) -> None:
        if self.leading or not self._begun:
            return
        for one in people:
            standing = self.crowd.standing(room, one.user)
            if standing is None:
                standing = self.crowd.show(room, one.user)
                standing.past = one
                self._differing.put((room, one.user), now + self._damping)
            standing.announced = True
            if standing.live:
                self._differing.drop((room, one.user))

    def heard_left(self, room: str, users: Iterable[str], now: float) -> None:
        if self.leading or not self._begun:
            return
        for user in users:
            standing = self.crowd.standing(room, user)
            if standing is not None and standing.live:
                standing.announced = False
                self._differing.put((room, user), now)
            elif standing is not None:
                self._gone(room, user)

    def heard_restated(self, now: float) -> None:
        """Whoever holds what is shown asks for it: that is announced now."""
        if not self.leading and self._begun:
            self._settle(now)

    # Time

    def tick(self, now: float) -> None:
        """Do what is due."""
        if self._held_until is not None:
            if not self._begun or now < self._held_until:
                return
            self._held_until, self.known = None, True
        if self._certain_at == math.inf:
            self._certain_at = now + 2 * self._patience
        if self.leading and now < self._certain_at:
            self.said.restate()
            self._settle(now)
            self._certain_at = -math.inf
        for place in self._differing.take(now):
            self._act(*place)

    # How users stand

    def _change(self, key: str, connection: Connection, now: float) -> None:
        before = self.crowd.connections.get(key)
        if before is not None and before.user != connection.user:
            self._end(key, now)
            before = None
        self.crowd.put(key, connection)
        for room in connection.rooms:
            self._come(room, key, connection, now)
        if before is not None:
            for room in before.rooms - connection.rooms:
                self._go(room, key, before, now + self._damping)

    def _end(self, key: str, due: float) -> None:
        before = self.crowd.drop(key)
        if before is not None:
            for room in before.rooms:
                self._go(room, key, before, due)

    def _come(self, room: str, key: str, connection: Connection, now: float) -> None:
        standing = self.crowd.show(room, connection.user)
        if not standing.live and not standing.announced:
            self._differing.put((room, connection.user), now)
        elif standing.announced:
            self._differing.drop((room, connection.user))
        if standing.put(key, connection):
            self._show_anew(room, connection.user)

    def _go(self, room: str, key: str, connection: Connection, due: float) -> None:
        standing = self._standing(room, connection.user)
        if standing.drop(key):
            self._show_anew(room, connection.user)
        if not standing.live:
            standing.past = person(connection.user, [connection])
            self._differing.put((room, connection.user), due)

    def _show_anew(self, room: str, user: str) -> None:
        """They look different; who was not announced is shown as they are when they will be."""
        if self.leading and not self.held and self._standing(room, user).announced:
            self.said.change(room, user)

    def _act(self, room: str, user: str) -> None:
        """Say what is true, or, for who does not lead, take it for said."""
        standing = self._standing(room, user)
        joined, announced = standing.live, standing.announced
        if joined:
            self._announced(room, user)
        else:
            self._gone(room, user)
        if self.leading and joined != announced:
            self.said.add(room, user, joined=joined)
        self._seen(room, user)

    def _settle(self, now: float) -> None:
        """Whoever asks now is told what is true: that is as good as announced."""
        for (room, user), due in self._differing.all():
            standing = self._standing(room, user)
            if not standing.live and due <= now:
                self._gone(room, user)
                self._seen(room, user)
            elif standing.live:
                self._announced(room, user)
            else:
                standing.announced = True

    def _announced(self, room: str, user: str) -> None:
        self._standing(room, user).announced = True
        self._differing.drop((room, user))

    def _gone(self, room: str, user: str) -> None:
        self._differing.drop((room, user))
        self.crowd.hide(room, user)

    def _standing(self, room: str, user: str) -> Standing:
        return self.crowd.rooms[room].standings[user]
