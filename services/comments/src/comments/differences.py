"""Where a row of a projection is not what the log folds to, without I/O."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from comments import mentions
from comments.findings import shown
from comments.views import Comment, Member

COMMENT = tuple(name for name in Comment.model_fields if name != "room")
"""The columns of a comment beside its room's key."""

MEMBER = tuple(Member.model_fields)

V = TypeVar("V", Comment, Member)
P = TypeVar("P", int, str)


class Row(Protocol):
    """A row of a projection."""

    def __getitem__(self, column: str, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Difference(Generic[V]):
    key: int
    """The room's."""
    place: int | str
    """In the room: a comment's offset, a member's user."""
    expected: V | None
    """What the log folds to; `None` for a row that should not be."""
    actual: Row | None

    def said(self) -> str:
        """What is there, and what should be."""
        if self.actual is None:
            return f"{self._name(self.expected)} is missing"
        if self.expected is None:
            return f"{self._name(self.actual)} is there, which the log does not have"
        return "; ".join(
            f"{field} is {shown(self.actual[field])}, the log says {shown(column(self.expected, field))}"
            for field in differing(self.expected, self.actual)
        )

    def _name(self, what: Any) -> str:
        if isinstance(self.place, str):
            return f"the member {self.place}"
        comment = (
            what if isinstance(what, Comment) else Comment.model_construct(**{n: what[n] for n in COMMENT})
        )
        return f"the comment {comment.id} of {comment.author} ({shown(comment.body)})"


def differing(expected: Comment | Member, actual: Row) -> list[str]:
    """The fields that are not the same."""
    fields = COMMENT if isinstance(expected, Comment) else MEMBER
    return [field for field in fields if column(expected, field) != actual[field]]


def column(of: Comment | Member, name: str) -> object:
    """What the column of this name has to be."""
    value = getattr(of, name)
    return mentions.column(value) if name == "mentions" else value


def compare(
    expected: dict[tuple[int, P], V], rows: Iterable[tuple[tuple[int, P], Row]]
) -> Iterator[Difference[V]]:
    """The rows, each with its room's key and its place, that are not as expected.

    What is left in `expected` afterwards has no row among them.
    """
    for where, row in rows:
        wanted = expected.pop(where, None)
        if wanted is None or differing(wanted, row):
            yield Difference(*where, wanted, row)


def missing(expected: dict[tuple[int, P], V]) -> Iterator[Difference[V]]:
    """What has no row."""
    for where, wanted in expected.items():
        yield Difference(*where, wanted, None)


def keyless(difference: Difference[Comment]) -> Comment | None:
    """The expected comment, if its row only lacks the idempotency key."""
    expected, actual = difference.expected, difference.actual
    if expected is None or actual is None or actual["client_id"] is not None:
        return None
    return expected if differing(expected, actual) == ["client_id"] else None
