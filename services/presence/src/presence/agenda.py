"""Where what is true differs from what was announced, and when to do something about it: pure."""

import heapq
from collections.abc import Iterator

Place = tuple[str, str]
"""A room, and a user there."""


class Agenda:
    def __init__(self) -> None:
        self._due: dict[Place, float] = {}
        self._times: list[tuple[float, Place]] = []
        """A heap; what has come to nothing since is passed over."""
        self._delay = 0.0

    def put(self, place: Place, due: float) -> None:
        self._due[place] = due
        heapq.heappush(self._times, (due + self._delay, place))

    def drop(self, place: Place) -> None:
        self._due.pop(place, None)

    def delay(self, seconds: float) -> None:
        """Everything is taken so much later than it is due."""
        self._delay = seconds
        self._times = [(due + seconds, place) for place, due in self._due.items()]
        heapq.heapify(self._times)

    def take(self, now: float) -> Iterator[Place]:
        """What is to be done by now."""
        while self._times and self._times[0][0] <= now:
            _, place = heapq.heappop(self._times)
            due = self._due.get(place)
            if due is not None and due + self._delay <= now:
                del self._due[place]
                yield place

    def all(self) -> list[tuple[Place, float]]:
        """Each, and when it is due."""
        return list(self._due.items())
