"""What messages of the stream RECEIPTS say, put together; pure. Order, repeats and batches do not matter."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from events.receipts import Receipts, Taken


class Whose(NamedTuple):
    """Offsets of one epoch say nothing of another; without one, they are of the room's own."""

    room: str
    user: str
    epoch: str | None


class Mark(NamedTuple):
    """Everything up to these offsets was delivered, and read; what was read was delivered."""

    delivered: int
    read: int

    def merge(self, other: "Mark") -> "Mark":
        return Mark(max(self.delivered, other.delivered), max(self.read, other.read))


@dataclass(frozen=True, slots=True)
class Said:
    """By one message."""

    taken: Taken
    marks: Mapping[Whose, Mark]
    since: float
    """When it was first taken, in seconds of some clock."""

    def is_known(self, heads: Mapping[str, tuple[str, int]]) -> bool:
        """Whether all it speaks of has happened, as far as the rooms' epochs and heads tell."""
        return all(_is_known(whose, mark, heads.get(whose.room)) for whose, mark in self.marks.items())


def _is_known(whose: Whose, mark: Mark, place: tuple[str, int] | None) -> bool:
    return place is not None and whose.epoch in (None, place[0]) and mark.delivered <= place[1]


def said(taken: Taken, since: float) -> Said:
    """Raise `ValueError` if the message cannot be read."""
    room, message = _text(taken.room), Receipts.decode(taken.data)
    marks: dict[Whose, Mark] = {}
    for receipt in message.receipts:
        whose = Whose(room, _text(receipt.user), message.epoch and _text(message.epoch))
        _merge(marks, whose, Mark(max(receipt.delivered, receipt.read), receipt.read))
    return Said(taken, marks, since)


def gather(all_said: Iterable[Said]) -> dict[Whose, Mark]:
    """In the order of room and user."""
    marks: dict[Whose, Mark] = {}
    for each in all_said:
        for whose, mark in each.marks.items():
            _merge(marks, whose, mark)
    return {whose: marks[whose] for whose in sorted(marks, key=_order)}


def _merge(marks: dict[Whose, Mark], whose: Whose, mark: Mark) -> None:
    marks[whose] = marks[whose].merge(mark) if whose in marks else mark


def _order(whose: Whose) -> tuple[str, str, str]:
    return whose.room, whose.user, whose.epoch or ""


def _text(text: str) -> str:
    """Raise `ValueError` for what is no text to Postgres: NUL, and halves of a surrogate pair."""
    if "\0" in text:
        raise ValueError("the character NUL")
    text.encode()
    return text
