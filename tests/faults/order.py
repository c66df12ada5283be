"""How a sequence of offsets compares with 1, 2, 3 …"""

from typing import Literal, NamedTuple

Step = Literal["next", "early", "late", "again"]
"""It follows; something before it is missing yet; it was missing until now; it was there before."""


class Hole(NamedTuple):
    first: int
    last: int
    place: int
    """Where it was noticed: whatever the caller counts by."""


class Order:
    """Begins after an offset; `holes` is what is missing up to `last`."""

    __slots__ = ("holes", "last")

    def __init__(self, after: int) -> None:
        self.last = after
        self.holes: list[Hole] = []

    def take(self, offset: int, place: int) -> Step:
        if offset == self.last + 1:
            self.last = offset
            return "next"
        if offset > self.last:
            self.skip(offset - 1, place)
            self.last = offset
            return "early"
        return "late" if self._fill(offset) else "again"

    def skip(self, to: int, place: int) -> None:
        """Whatever follows, up to that offset, is missing."""
        if to > self.last:
            self.holes.append(Hole(self.last + 1, to, place))
            self.last = to

    def _fill(self, offset: int) -> bool:
        for index, (first, last, place) in enumerate(self.holes):
            if first <= offset <= last:
                halves = Hole(first, offset - 1, place), Hole(offset + 1, last, place)
                self.holes[index : index + 1] = [half for half in halves if half.first <= half.last]
                return True
        return False
