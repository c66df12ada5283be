"""What users have not read, as their connections were told: pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from events.receipts import Receipt, RoomUnread

Push = Callable[[bytes], None]
"""Takes the body of a push, as JSON."""

_rooms: TypeAdapter[Sequence[RoomUnread]] = TypeAdapter(Sequence[RoomUnread])
_names: TypeAdapter[Sequence[str]] = TypeAdapter(Sequence[str])


@dataclass(slots=True)
class Reading:
    """A question for all rooms of some users; `number` is greater than that of those before."""

    number: int
    heard: set[str] = field(default_factory=set)
    """Rooms of which something was heard since: the answer may be older than that."""


@dataclass(slots=True)
class _Watched:
    """One user, with at least one connection."""

    reading: int = 0
    """The number of the newest question that was answered."""
    rooms: dict[str, RoomUnread] = field(default_factory=dict)
    pushes: dict[str, Push | None] = field(default_factory=dict)
    """By connection; `None` until it was told all."""


class Watchers:
    def __init__(self) -> None:
        self._users: dict[str, _Watched] = {}
        self._by: dict[str, str] = {}
        """The user of each connection."""
        self._members: dict[str, set[str]] = {}
        """Those who are watched, by the rooms of which they are members."""
        self.pushed = 0

    def __contains__(self, user: object) -> bool:
        return user in self._users

    def __len__(self) -> int:
        return len(self._users)

    @property
    def users(self) -> Sequence[str]:
        return list(self._users)

    def knows(self, user: str) -> bool:
        return user in self._users and self._users[user].reading > 0

    def of(self, room: str) -> Iterable[str]:
        """Those who are watched, of its members."""
        return self._members.get(room, ())

    def rooms(self, user: str) -> Iterable[str]:
        return self._users[user].rooms if user in self._users else ()

    # Connections

    def add(self, connection: str, user: str) -> None:
        """It waits to be told."""
        self._by[connection] = user
        self._users.setdefault(user, _Watched()).pushes.setdefault(connection, None)

    def begin(self, connection: str, push: Push) -> bytes | None:
        """All that is known, as JSON; changes are pushed from now on. `None` if the connection is gone."""
        user = self._by.get(connection)
        if user is None:
            return None
        self._users[user].pushes[connection] = push
        return self.known(user)

    def known(self, user: str) -> bytes:
        rooms = self._users[user].rooms if user in self._users else {}
        return b'{"rooms":%b}' % _rooms.dump_json(list(rooms.values()))

    def remove(self, connection: str) -> None:
        user = self._by.pop(connection, None)
        if user is None:
            return
        watched = self._users[user]
        del watched.pushes[connection]
        if not watched.pushes:
            for room in watched.rooms:
                self._leave(room, user)
            del self._users[user]

    # What is learnt

    def learn(self, user: str, rooms: Sequence[RoomUnread], reading: Reading) -> None:
        """All rooms of a user, but what is known of those of which something was heard may be newer."""
        watched = self._users.get(user)
        if watched is not None and watched.reading < reading.number:
            watched.reading = reading.number
            newer = watched.rooms.keys() & reading.heard
            given = {each.room: each for each in rooms if each.room not in newer}
            self._update(user, given, list(watched.rooms.keys() - given.keys() - newer))

    def learn_room(self, room: str, user: str, unread: RoomUnread | None) -> None:
        """One room of a user; `None` if they are no member of it."""
        if (watched := self._users.get(user)) is None:
            return
        if unread is not None:
            self._update(user, {room: unread}, ())
        elif room in watched.rooms:
            self._update(user, {}, (room,))

    def reads_on(self, room: str, moved: Receipt) -> bool:
        """The user is watched, and has read further than is known here."""
        watched = self._users.get(moved.user)
        if watched is None:
            return False
        known = watched.rooms.get(room)
        return known is None or moved.read > known.read

    def read(self, room: str, moved: Receipt) -> bool:
        """They read on, on whichever device; whether it has to be asked what is left."""
        known = self._users[moved.user].rooms.get(room)
        if known is None:
            return False
        if moved.read < known.head and known.unread:
            return True
        head = max(known.head, moved.read)
        nothing = RoomUnread(room=room, head=head, read=moved.read, unread=0, mentioned=False)
        self._update(moved.user, {room: nothing}, ())
        return False

    # Inside

    def _update(self, user: str, given: Mapping[str, RoomUnread], left: Sequence[str]) -> None:
        watched = self._users[user]
        changed = [each for room, each in given.items() if watched.rooms.get(room) != each]
        for each in changed:
            watched.rooms[each.room] = each
            self._members.setdefault(each.room, set()).add(user)
        for room in left:
            del watched.rooms[room]
            self._leave(room, user)
        if changed or left:
            self._push(watched, changed, left)

    def _push(self, watched: _Watched, changed: Sequence[RoomUnread], left: Sequence[str]) -> None:
        body = b'{"rooms":%b' % _rooms.dump_json(changed)
        body += b',"left":%b}' % _names.dump_json(left) if left else b"}"
        for push in list(watched.pushes.values()):
            if push is not None:
                self.pushed += 1
                push(body)

    def _leave(self, room: str, user: str) -> None:
        members = self._members[room]
        members.discard(user)
        if not members:
            del self._members[room]
