"""How far members are, without I/O: what they acknowledge, and what follows of it for a comment.

Acknowledgements are merged by the highest offset, so their order, repeats and batches do not matter. What
is written is bounded by the room's head where it is written (`receipts.py`).
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Literal

from events.receipts import Receipt

STEPS = 16
"""Distinct watermarks of which it is told how many members are there, beside the lowest one."""

Status = Literal["SENT", "DELIVERED", "READ"]


@dataclass(frozen=True, slots=True)
class Mark:
    """Everything up to the offset, and since when."""

    offset: int
    at: datetime

    def merge(self, other: "Mark") -> "Mark":
        """The higher one; of two at the same offset the earlier one."""
        return self if (self.offset, other.at) >= (other.offset, self.at) else other


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What a member says of themselves; what is read was delivered."""

    delivered: Mark
    read: Mark

    @classmethod
    def of(cls, receipt: Receipt, at: datetime) -> "Acknowledged":
        delivered = max(receipt.delivered, receipt.read)
        return cls(Mark(delivered, at), Mark(receipt.read, at))

    def merge(self, other: "Acknowledged") -> "Acknowledged":
        return Acknowledged(self.delivered.merge(other.delivered), self.read.merge(other.read))


@dataclass(frozen=True, slots=True)
class Moves:
    """Where a watermark was moved to and when, the newest last: as many as are kept, at least where it is."""

    offsets: Sequence[int]
    times: Sequence[datetime]


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a member is."""

    user: str
    delivered: Moves
    read: Moves
    newcomer: bool = False
    """They have not read anything since they became a member, which is where `read` is."""

    def counts(self, offset: int) -> bool:
        """What was said before they came is not counted for a newcomer."""
        return not (self.newcomer and self.read.offsets[-1] >= offset)

    def delivered_at(self, offset: int) -> datetime | None:
        """When what is at the offset was delivered; if only later moves are kept, the time of the oldest."""
        found = bisect_left(self.delivered.offsets, offset)
        if found == len(self.delivered.offsets):
            return None
        time = self.delivered.times[found]
        if found == 0 and (read := self.read_at(offset)) is not None:
            return min(time, read)  # of what was read, more moves may be kept
        return time

    def read_at(self, offset: int) -> datetime | None:
        """When it was read, likewise."""
        found = bisect_left(self.read.offsets, offset)
        return self.read.times[found] if found < len(self.read.offsets) else None


@dataclass(frozen=True, slots=True)
class Receipts:
    """What became of a comment, as its author sees it."""

    status: Status = "SENT"
    delivered_at: datetime | None = None
    read_at: datetime | None = None


SENT = Receipts()


@dataclass(frozen=True, slots=True)
class Audience:
    """The members of a room; of a large one, no more than tell who is last."""

    members: Sequence[Reached]
    timed: bool = True
    """All are known, so that it can be said when the last of them came somewhere."""

    def receipts(self, author: str, offset: int, posted: datetime) -> Receipts:
        """Of a comment: what all others who count have been delivered or have read. With none, it is sent.

        No time is before `posted`: clocks differ.
        """
        others = [member for member in self.members if member.user != author and member.counts(offset)]
        status = _status(others, offset)
        if status == "SENT" or not self.timed:
            return Receipts(status)
        delivered = _last((member.delivered_at(offset) for member in others), posted)
        if status == "DELIVERED":
            return Receipts(status, delivered)
        read = _last((member.read_at(offset) for member in others), posted)
        return Receipts(status, min(delivered, read), read)


def steps(at: Iterable[tuple[int, int]], lowest: tuple[int, int] | None) -> list[tuple[int, int]]:
    """How many members are at each watermark or further, from how many are right there; newest first.

    The last is the lowest watermark, at which or beyond are all: `None` if nobody has one.
    """
    newest = sorted(at, reverse=True)[:STEPS]
    found = list(zip((offset for offset, _ in newest), accumulate(n for _, n in newest), strict=True))
    return found if lowest is None or lowest in found else [*found, lowest]


def _status(others: Sequence[Reached], offset: int) -> Status:
    if others and all(member.read.offsets[-1] >= offset for member in others):
        return "READ"
    return "DELIVERED" if others and all(m.delivered.offsets[-1] >= offset for m in others) else "SENT"


def _last(times: Iterable[datetime | None], posted: datetime) -> datetime:
    """When all had come there, which they have."""
    return max((time for time in times if time is not None and time > posted), default=posted)
