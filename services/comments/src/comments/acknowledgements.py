"""What messages of the stream RECEIPTS say, put together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from comments.drafts import storable
from comments.watermarks import Acknowledged
from events.receipts import Receipts, Taken


class Whose(NamedTuple):
    """Offsets of one epoch say nothing of another; without one, they are of the room's own."""

    room: str
    user: str
    epoch: str | None


@dataclass(frozen=True, slots=True)
class Gathered:
    acknowledged: Mapping[Whose, Acknowledged]
    """In the order of room and user."""
    again: frozenset[Whose]
    """It may have been written before, by a process that ended before it told anybody."""
    refused: Sequence[tuple[Taken, str]]
    """Messages that cannot be read, and why."""
    oldest: datetime
    """When the first of it was acknowledged; now if there is nothing."""


def gather(taken: Iterable[Taken], now: datetime) -> Gathered:
    """However often and in whatever order it came; nothing was acknowledged in the future."""
    found: dict[Whose, Acknowledged] = {}
    again, refused, oldest = set[Whose](), [], now
    for one in taken:
        try:
            said, at = _read(one, now)
        except (ValueError, OverflowError) as error:
            refused.append((one, type(error).__name__))
            continue
        oldest = min(oldest, at)
        for whose, new in said.items():
            found[whose] = found[whose].merge(new) if whose in found else new
        if one.again:
            again.update(said)
    ordered = {whose: found[whose] for whose in sorted(found, key=_order)}
    return Gathered(ordered, frozenset(again), refused, oldest)


def _read(one: Taken, now: datetime) -> tuple[dict[Whose, Acknowledged], datetime]:
    """Raise `ValueError`, or `OverflowError` for a time before all times."""
    message = Receipts.decode(one.data)
    at = min(message.at.astimezone(UTC), now)
    said: dict[Whose, Acknowledged] = {}
    for receipt in message.receipts:
        whose = Whose(storable(one.room), storable(receipt.user), message.epoch and storable(message.epoch))
        new = Acknowledged.of(receipt, at)
        said[whose] = said[whose].merge(new) if whose in said else new
    return said, at


def _order(whose: Whose) -> tuple[str, str, str]:
    return whose.room, whose.user, whose.epoch or ""
