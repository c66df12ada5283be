"""Who a comment mentions: `@` and the id of a member of the room, without I/O."""

import re
from collections.abc import Container, Iterable, Iterator

from events import Mention

MOST = 50
"""Mentions in one comment."""

LOOKED_UP = 10
"""Names looked up for each mention that a comment may have: `@u1.` may be `u1.` or `u1`."""

LONGEST = 128
"""Characters of a user's id."""

_AT = re.compile(r"(?<!\w)(?<!\w[+\-%=~])@(?=\S)")
"""Not in an e-mail address, whose local part ends so (RFC 5322 allows more, which is in use less)."""

_NAME = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
"""What Postgres could not hold is in no id."""

_END = re.compile(r"(?!\w|@\w)")
"""An id ends where no word goes on, and where no domain begins."""


def candidates(body: str, most: int = MOST) -> set[str]:
    """The ids that it may mention: `mentions` looks for no others."""
    return {name for _, names in _places(body, most) for name in names} if "@" in body else set()


def mentions(body: str, known: Container[str], most: int = MOST) -> list[Mention]:
    """Of these users: of each place the longest id that fits; in the order of the text, `most` at most."""
    found: list[Mention] = []
    if "@" not in body:
        return found
    counted, units, end = 0, 0, 0
    for start, names in _places(body, most):
        user = next((name for name in names if name in known), None)
        if user is None or start < end or len(found) == most:
            continue
        units += _units(body[counted:start])
        counted, end = start, start + 1 + len(user)
        found.append(Mention(user=user, start=units, end=units + 1 + _units(user)))
    return found


def column(found: Iterable[Mention]) -> list[dict[str, object]]:
    """As the projection's column has them."""
    return [mention.model_dump() for mention in found]


def _places(body: str, most: int) -> Iterator[tuple[int, list[str]]]:
    """Where an `@` may begin a mention, and the ids that may follow it, the longest first."""
    left = most * LOOKED_UP
    for at in _AT.finditer(body):
        name = _NAME.match(body, at.end(), at.end() + LONGEST)
        if name is None:
            continue
        ends = [end for end in range(name.end(), name.start(), -1) if _END.match(body, end)]
        left -= len(ends)
        if left < 0:
            return
        yield at.start(), [body[name.start() : end] for end in ends]


def _units(text: str) -> int:
    return len(text) + sum(char > "\uffff" for char in text)
