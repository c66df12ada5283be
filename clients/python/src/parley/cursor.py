"""Where a subscription stands in a room's history, and what an arriving offset means from there."""

from dataclasses import dataclass, replace
from enum import Enum, auto


class Step(Enum):
    NEXT = auto()
    """The event that follows: take it."""
    REPEAT = auto()
    """Seen before: drop it."""
    HOLE = auto()
    """Something is missing in between: ask again for what follows the cursor."""


@dataclass(frozen=True, slots=True)
class Cursor:
    epoch: str
    """The identity of the room's history: under another epoch, offsets mean something else."""
    offset: int
    """The last event taken; 0 before the first."""

    def step(self, offset: int) -> Step:
        if offset <= self.offset:
            return Step.REPEAT
        return Step.NEXT if offset == self.offset + 1 else Step.HOLE

    def at(self, offset: int) -> "Cursor":
        return replace(self, offset=offset)


def rejoin(since: Cursor | None, head: Cursor, recovered: bool) -> tuple[Cursor, bool]:
    """Where to go on after the server's `subscribed` answer, and whether events were missed on the way.

    `head` is the newest position the answer named. Recovered: everything after `since` follows.
    Not recovered: the stream goes on after `head`, and what lies between is only in the history over HTTP.
    """
    if since is None:
        return head, False
    return (since, False) if recovered else (head, True)
