"""How often it is told how many members of a large room are how far: the larger the room, the more rarely.

Without I/O: the time is an argument, in seconds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PAUSE_SECONDS = 0.25
"""Between two times in a room of up to 1,000 members; counting 1,000 takes about 0.2 ms."""


@dataclass(slots=True)
class _Pace:
    until: float
    members: int | None
    owed: bool = False


class Paces:
    """By a room's key. What changes during a pause is owed: the last state is always told."""

    def __init__(self) -> None:
        self._rooms: dict[int, _Pace] = {}

    def may(self, key: int, now: float) -> bool:
        """Whether counts may be told now, of a room in which something moved; if not, they are owed."""
        pace = self._rooms.get(key)
        if pace is not None and now < pace.until:
            pace.owed = True
            return False
        return True

    def told(self, members: Mapping[int, int], now: float) -> None:
        """Of these rooms, with so many members each."""
        for key, some in members.items():
            self._rooms[key] = _Pace(now + PAUSE_SECONDS * max(1, some / 1000), some)

    def owe(self, keys: Iterable[int], now: float) -> None:
        """They could not be counted now."""
        for key in keys:
            self._rooms[key] = _Pace(now + PAUSE_SECONDS, self.members(key), owed=True)

    def members(self, key: int) -> int | None:
        """How many the room had when it was counted, if that was lately."""
        pace = self._rooms.get(key)
        return None if pace is None else pace.members

    def owed(self, now: float) -> list[int]:
        """Rooms of which counts are to be told now. Of rooms that pause no more, all is forgotten."""
        over = {key: pace for key, pace in self._rooms.items() if pace.until <= now}
        for key in over:
            del self._rooms[key]
        return [key for key, pace in over.items() if pace.owed]

    def next(self) -> float | None:
        """When the next pause is over."""
        return min((pace.until for pace in self._rooms.values()), default=None)
