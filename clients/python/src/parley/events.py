"""What a subscription yields and what the HTTP API answers, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a room. Types this version does not know arrive in the same form."""

    type: str
    """`comment.posted`, `comment.edited`, `comment.deleted`, `room.created`, `member.joined` …"""
    id: str
    room: str
    offset: int
    """Position in the room: 1, 2, 3 … without gaps."""
    at: datetime
    actor: str
    """The user who did it."""
    data: Mapping[str, Any]
    """Everything else the event carries, named as on the wire: `comment`, `body`, `mentions` …"""


@dataclass(frozen=True, slots=True)
class Resync:
    """Events were missed that the socket cannot replay: fetch `Client.history`, then go on reading.

    The room's history was replaced (another epoch), or what was missed is no longer kept for replay.
    The events that follow this marker start after `offset`.
    """

    room: str
    epoch: str
    offset: int


class Mention(TypedDict):
    """A member whom a comment names, and where: `@` and their id.

    `start` and `end` count UTF-16 code units, as JavaScript, Java and Swift do: Python's own indices are
    the same as long as no character before is beyond U+FFFF, as most emoji are.
    """

    user: str
    start: int
    end: int


class Comment(TypedDict):
    """A comment as it is now; times are RFC 3339. A deleted one keeps its place with an empty `body`."""

    id: str
    room: str
    offset: int
    author: str
    authorName: str | None
    authorAvatar: str | None
    body: str
    imageMeta: Any
    videoMeta: Any
    mentions: list[Mention]
    clientId: str | None
    createdAt: str
    updatedAt: str | None
    deletedAt: str | None


class Version(TypedDict):
    """A comment as somebody once left it: posted, edited or, with no `body`, deleted."""

    offset: int
    type: str
    at: str
    actor: str
    body: str | None
    imageMeta: Any
    videoMeta: Any


class Page(TypedDict):
    """A piece of a room's history, oldest first."""

    comments: list[Comment]
    next: str | None
    """The path of the page that follows in the same direction; None at the end."""
    epoch: str
    head: int
    """The newest offset in the room when the page was read."""
