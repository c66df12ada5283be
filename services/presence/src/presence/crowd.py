"""Who is in which room: the live connections, their users, and the rooms in which these are shown."""

from presence.connections import Connection
from presence.rooms import Room, Standing


class Crowd:
    def __init__(self) -> None:
        self.connections: dict[str, Connection] = {}
        """Those that are live, by the key of their lease."""
        self.users: dict[str, dict[str, Connection]] = {}
        """The same, by user."""
        self.places: dict[str, set[str]] = {}
        """By user: rooms in which they are shown."""
        self.rooms: dict[str, Room] = {}
        """Those in which somebody is shown."""

    def put(self, key: str, connection: Connection) -> None:
        """In the place of what it was before, of the same user."""
        self.connections[key] = connection
        self.users.setdefault(connection.user, {})[key] = connection

    def drop(self, key: str) -> Connection | None:
        """What the connection was, if it was there."""
        before = self.connections.pop(key, None)
        if before is not None:
            of_user = self.users[before.user]
            del of_user[key]
            if not of_user:
                del self.users[before.user]
        return before

    def standing(self, room: str, user: str) -> Standing | None:
        found = self.rooms.get(room)
        return None if found is None else found.standings.get(user)

    def show(self, room: str, user: str) -> Standing:
        """How the user stands in the room, in which they are shown from now on."""
        self.places.setdefault(user, set()).add(room)
        found = self.rooms.get(room)
        if found is None:
            found = self.rooms[room] = Room()
        return found.add(user)

    def hide(self, room: str, user: str) -> None:
        """They are shown there no more."""
        found = self.rooms[room]
        found.remove(user)
        if not found.standings:
            del self.rooms[room]
        places = self.places[user]
        places.discard(room)
        if not places:
            del self.places[user]

    def count(self, room: str) -> int:
        """Users shown in the room."""
        found = self.rooms.get(room)
        return 0 if found is None else len(found.standings)

    def of(self, user: str, room: str | None = None) -> list[Connection]:
        """The user's live connections, perhaps those in one room; the newest first."""
        found = (one for one in self.users.get(user, {}).values() if room is None or room in one.rooms)
        return sorted(found, key=lambda one: one.order, reverse=True)
