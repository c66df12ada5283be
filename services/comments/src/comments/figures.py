"""What a relay counts."""

from dataclasses import dataclass


@dataclass(slots=True)
class Figures:
    """What the relay has done and what it has before it, of its own partitions; read by metrics."""

    published: int = 0
    failures: int = 0
    outbox_size: int = 0
    outbox_age: float = 0.0
    """Seconds since the oldest unpublished event was committed, but for those that are published again."""
