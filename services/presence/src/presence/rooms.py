"""The people of one room: counted at once, and paged by user id without looking at all of them."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable

from events.presence import Person
from presence.connections import Connection


class Standing:
    """How a user stands in a room."""

    __slots__ = ("_active", "_face", "announced", "connections", "past")

    def __init__(self) -> None:
        self._active = 0
        """Connections that are."""
        self._face: tuple[str | None, str | None] = (None, None)
        """Name and avatar, as the connection says that was heard of last."""
        self.connections: dict[str, Connection] = {}
        """Those that are live, by key; without any, the user only lingers."""
        self.announced = False
        """It was said that they joined, and not yet that they left."""
        self.past: Person | None = None
        """As they were last seen, once they linger."""

    @property
    def live(self) -> bool:
        return bool(self.connections)

    def put(self, key: str, connection: Connection) -> bool:
        """Whether the user looks different to others now; as cheap as this for thousands of connections."""
        looked, before = self._looks, self.connections.get(key)
        self._active += (connection.activity == "active") - (
            before is not None and before.activity == "active"
        )
        self._face = connection.name, connection.avatar
        self.connections[key] = connection
        self.past = None
        return looked != self._looks

    def drop(self, key: str) -> bool:
        """Whether the user, who has other connections, looks different now."""
        looked, gone = self._looks, self.connections.pop(key)
        self._active -= gone.activity == "active"
        return self.live and looked != self._looks

    @property
    def _looks(self) -> tuple[bool, tuple[str | None, str | None]]:
        if self.past is not None:
            return self.past.activity == "active", (self.past.name, self.past.avatar)
        return self._active > 0, self._face


class Room:
    """Who is shown: all who have a live connection, and those of whom it is yet to be said that they left."""

    __slots__ = ("_order", "standings")

    def __init__(self) -> None:
        self.standings: dict[str, Standing] = {}
        self._order: list[str] | None = None
        """User ids in order, from the first time that somebody asks for a page."""

    def add(self, user: str) -> Standing:
        """How the user stands; new if they were not shown."""
        standing = self.standings.get(user)
        if standing is None:
            standing = self.standings[user] = Standing()
            if self._order is not None:
                insort(self._order, user)
        return standing

    def remove(self, user: str) -> None:
        del self.standings[user]
        if self._order is not None:
            del self._order[bisect_left(self._order, user)]

    def person(self, user: str) -> Person:
        """The user, who is shown, as their newest connection says."""
        standing = self.standings[user]
        if standing.past is not None:
            return standing.past
        return person(user, standing.connections.values())

    def page(self, after: str, limit: int) -> tuple[list[Person], bool]:
        """So many people that follow a user id, and whether others follow them."""
        if self._order is None:
            self._order = sorted(self.standings)
        start = bisect_right(self._order, after) if after else 0
        found = self._order[start : start + limit]
        return [self.person(user) for user in found], len(self._order) > start + limit


def person(user: str, connections: Iterable[Connection]) -> Person:
    """A user of whom there are connections: active if any of them is."""
    several = list(connections)
    newest = several[0] if len(several) == 1 else max(several, key=lambda one: one.order)
    active = any(one.activity == "active" for one in several)
    return Person(user=user, name=newest.name, avatar=newest.avatar, activity="active" if active else "idle")
