"""What can be wrong with a run, each with the place where it is."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """In the order in which the table has them; the value is what it calls them."""

    LOST = "acknowledged comments lost"
    """Not in the log."""
    MOVED = "acknowledged comments in another place"
    """In the log, under another offset or comment id than acknowledged."""
    CONTRADICTED = "acknowledgements that contradict each other"
    """Of one key."""
    DOUBLED = "comments logged twice"
    """Two events of the log have one key."""
    GAP = "gaps in the log"
    """Offsets that it leaves out or has out of order."""
    HOLE = "holes in what a client saw"
    BEHIND = "clients that never caught up"
    """The run ended quiet, and they had not seen the end of the log."""
    REPEATED = "events repeated"
    REORDERED = "events reordered"
    """Seen after a later one."""
    UNASKED = "events without a subscription"
    INVENTED = "events that are not in the log"
    """No such offset, or another event has it there."""
    ALTERED = "events altered"
    """Other bytes than in the log."""
    MIXED = "histories mixed"
    """An epoch that is not the log's."""
    FALSE_RECOVERY = "false recoveries"
    """`recovered: true` for a position that the log does not have, or not followed by its next event."""
    NEEDLESS_RESET = "needless resets"
    """`recovered: false` for a position that the log has."""
    FALSE_POSITION = "false positions"
    """A subscription was answered with an offset beyond the log."""
    UNSTREAMED = "events missing in the stream"
    STREAMED_TWICE = "events repeated in the stream"
    STREAMED_LATE = "events reordered in the stream"
    STREAMED_ALONE = "events in the stream that are not in the log"


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Kind
    room: str
    offset: int | None
    """The first offset concerned, as far as there is one."""
    last: int | None = None
    """The last one, if they are several."""
    client: str | None = None
    connection: int | None = None
    key: str | None = None
    sequence: int | None = None
    """The message of the stream."""
    detail: str = ""

    @property
    def events(self) -> int:
        """How many events it concerns; one for what is no matter of events."""
        return 1 if self.offset is None or self.last is None else self.last - self.offset + 1

    def __str__(self) -> str:
        offset = None if self.offset is None else f"{self.offset}"
        if offset is not None and self.last not in (None, self.offset):
            offset = f"{self.offset}-{self.last}"
        places = {
            "room": self.room,
            "offset": offset,
            "client": self.client,
            "connection": self.connection,
            "key": self.key,
            "sequence": self.sequence,
        }
        where = ", ".join(f"{name} {place}" for name, place in places.items() if place is not None)
        return f"{self.kind}: {where}" + (f" ({self.detail})" if self.detail else "")
