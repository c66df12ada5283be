"""When people were last here, and in which rooms: what is to be written down, and how it is kept. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice

from pydantic import BaseModel, Field

from events.schema import At

Places = Mapping[str, Iterable[str]]
"""The rooms in which each user is shown."""


class Seen(BaseModel):
    """A value of the bucket `last_seen`."""

    at: At
    rooms: dict[str, At] = Field(default_factory=dict)
    """When they were in each."""


def read(value: bytes | None) -> Seen | None:
    """`None` if there is no value, or none that can be read."""
    try:
        return None if value is None else Seen.model_validate_json(value)
    except ValueError:
        return None


def merge(before: Seen | None, rooms: Mapping[str, datetime], most: int) -> Seen:
    """What is known from now on, of at most so many rooms; the latest ones."""
    known = {} if before is None else before.rooms
    all_rooms = {**known, **{room: max(at, known.get(room, at)) for room, at in rooms.items()}}
    latest = sorted(all_rooms.items(), key=lambda entry: entry[1], reverse=True)[:most]
    at = max([*rooms.values(), *([before.at] if before else [])])
    return Seen(at=at, rooms=dict(latest))


class Sightings:
    """Who was seen where since it was last written down."""

    def __init__(self, *, refresh: float, most: int = 100_000) -> None:
        """Everybody who is here has a turn once in `refresh` seconds. Of at most so many users it waits."""
        self._refresh, self._most = refresh, most
        self._waiting: dict[str, dict[str, datetime]] = {}
        self._round: list[str] = []
        """Those who still have their turn in this round."""
        self._pace = 0.0
        """Turns a second in this round."""
        self._turns = 0.0
        """Those that time has come for, whole and in part."""

    def __len__(self) -> int:
        return len(self._waiting)

    def saw(self, room: str, user: str, at: datetime) -> None:
        if user in self._waiting or len(self._waiting) < self._most:
            self._waiting.setdefault(user, {})[room] = at

    def of(self, user: str) -> Mapping[str, datetime]:
        """When they were seen in which rooms, as far as that waits to be written."""
        return self._waiting.get(user, {})

    def turn(self, places: Places, seconds: float, at: datetime) -> None:
        """So much time has passed: add those whose turn it is."""
        if not self._round:
            self._round = list(places)
            self._pace = len(self._round) / self._refresh
        self._turns += seconds * self._pace
        while self._turns >= 1 and self._round:
            self._turns -= 1
            user = self._round.pop()
            for room in places.get(user, ()):
                self.saw(room, user, at)
        self._turns %= 1

    def take(self, most: int) -> dict[str, dict[str, datetime]]:
        """So many users, and when they were in which rooms; they wait no more."""
        users = list(islice(self._waiting, most))
        return {user: self._waiting.pop(user) for user in users}

    def clear(self) -> None:
        self._waiting.clear()
        self._round.clear()
