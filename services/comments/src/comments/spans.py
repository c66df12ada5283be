"""A set of offsets, kept as stretches without a gap: a room of a million events is one stretch."""

from bisect import bisect_left


class Spans:
    __slots__ = ("_ends", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    @property
    def last(self) -> int:
        """The highest offset; 0 if there is none."""
        return self._ends[-1] if self._ends else 0

    def add(self, offset: int) -> bool:
        """Whether it is new."""
        starts, ends = self._starts, self._ends
        at = bisect_left(ends, offset)
        if at < len(ends) and starts[at] <= offset:
            return False
        joins_left = at > 0 and ends[at - 1] == offset - 1
        joins_right = at < len(starts) and starts[at] == offset + 1
        if joins_left and joins_right:
            ends[at - 1] = ends[at]
            del starts[at], ends[at]
        elif joins_left:
            ends[at - 1] = offset
        elif joins_right:
            starts[at] = offset
        else:
            starts.insert(at, offset)
            ends.insert(at, offset)
        return True

    def stretches(self) -> list[tuple[int, int]]:
        """The first and last offset of each."""
        return list(zip(self._starts, self._ends, strict=True))

    def missing(self, head: int) -> list[tuple[int, int]]:
        """Of 1 to `head`, the stretches that are not in the set: their first and last offsets."""
        after, found = 1, []
        for start, end in zip(self._starts, self._ends, strict=True):
            if start > head:
                break
            if start > after:
                found.append((after, start - 1))
            after = end + 1
        if after <= head:
            found.append((after, head))
        return found
