"""One native connection as a reader of what its user has not read."""

import json
from collections.abc import Sequence
from typing import Any, cast

from chassis.auth import Identity
from events import NoAnswer, StreamError
from fanout import native
from fanout.audience import Audience
from fanout.frames import frame
from fanout.members import Member
from fanout.rooms import ENCODING, Client
from fanout.terms import Figures
from fanout.unread import Unread

Rooms = Sequence[dict[str, Any]]
"""Each with its name and what is unread there."""


class Readers(Audience):
    """All those of a process; `shed` is in bytes."""

    def __init__(self, shed: int) -> None:
        super().__init__(tuple, lambda reader: cast("Reader", reader).missed(), shed, Figures())


class Reader(Member):
    """A member of no one room. While it reads too slowly, only the names of rooms that changed are kept."""

    __slots__ = ("_caller", "_client", "_readers", "_unread", "_untold")

    def __init__(self, client: Client, caller: Identity, unread: Unread, readers: Readers) -> None:
        super().__init__(client, ENCODING, "", live=True)
        self._client = client
        self._caller = caller
        self._unread = unread
        self._readers = readers
        self._untold: set[str] = set()

    async def watch(self, request: int) -> None:
        """Answer with all rooms; what changes is pushed from then on."""
        if self.gone:
            return
        try:
            body = await self._unread.watch(self._client.id, self._caller.user, self._push)
        except (NoAnswer, StreamError):
            message = "what is unread cannot be known now; try again"
            self._client.socket.send(native.error(request, "unavailable", message))
        else:
            rooms = self._readable(json.loads(body)["rooms"])
            self._client.socket.send(native.unread(request, _dump({"rooms": rooms})))

    def refresh(self, caller: Identity) -> None:
        """Tell the rooms that this token allows and the one before did not, and the other way round."""
        then, self._caller = self._caller.may, caller
        rooms, now = self._known(), caller.may
        given = [each for each in rooms if now("r", each["room"]) and not then("r", each["room"])]
        left = [each["room"] for each in rooms if then("r", each["room"]) and not now("r", each["room"])]
        self._tell(given, left)

    def leave(self) -> None:
        self.gone = True
        self._unread.drop(self._client.id)
        self._readers.forget(self)

    def missed(self) -> bytes:
        """The frame of what is true by now of the rooms that it was not told of."""
        rooms = [each for each in self._readable(self._known()) if each["room"] in self._untold]
        return self._told(rooms, sorted(self._untold.difference(_names(rooms))))

    def _push(self, body: bytes) -> None:
        changed = json.loads(body)
        left = [room for room in changed.get("left", ()) if self._caller.may("r", room)]
        self._tell(self._readable(changed["rooms"]), left)

    def _tell(self, rooms: Rooms, left: Sequence[str]) -> None:
        if rooms or left:
            self._untold.update(_names(rooms), left)
            self._readers.push(lambda _: self._told(rooms, left), [self])

    def _told(self, rooms: Rooms, left: Sequence[str]) -> bytes:
        """The frame after which it knows all."""
        self._untold.clear()
        body = {"rooms": rooms, "left": left} if left else {"rooms": rooms}
        return frame(native.unread(None, _dump(body)))

    def _known(self) -> Rooms:
        rooms: Rooms = json.loads(self._unread.known(self._caller.user))["rooms"]
        return rooms

    def _readable(self, rooms: Rooms) -> Rooms:
        """The user is a member of more rooms than this token may allow."""
        return [each for each in rooms if self._caller.may("r", each["room"])]


def _names(rooms: Rooms) -> set[str]:
    return {each["room"] for each in rooms}


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
