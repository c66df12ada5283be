"""What the companies of a process share: how much they may do, and what they have done."""

from dataclasses import dataclass, field

from fanout.queries import Queries
from fanout.tasks import Tasks


@dataclass(frozen=True, slots=True)
class Terms:
    """People, bytes and seconds."""

    listed: int = 1000
    """People of a room up to which its members are told of each."""
    gather: float = 0.075
    """Seconds in which those who join and leave gather before their room is told."""
    counts: float = 1.0
    """Seconds between two counts that a room with more people is told."""
    receipts: float = 0.25
    """Seconds between two pushes of receipts to a room."""
    shed: int = 64 * 1024
    """Bytes that may wait for a member before it gets nothing of this."""
    timeout: float = 2.0
    """Seconds to wait for an answer."""
    patience: float = 0.3
    """Seconds for which whoever comes into a room waits for what is not known yet."""


@dataclass(slots=True)
class Figures:
    """Read by metrics."""

    diffs: int = 0
    """Frames about who is here, and how far they are, encoded for all in a room or for those who asked."""
    stale: int = 0
    """Times that a member missed one, because it catches up or reads too slowly, and was given all later."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a company learns what it tells."""

    app: str
    presence: Queries
    receipts: Queries
    tasks: Tasks
    terms: Terms
    figures: Figures = field(default_factory=Figures)
