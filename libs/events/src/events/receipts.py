"""What fanout and comments say to each other about how far members are, and what they have not read.

A watermark is an offset: everything up to it was delivered to some device of the member, or read by them.
All are JSON in camelCase.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import Field

from events.payload import Payload
from events.schema import APP, ROOM, At

MAX_USERS = 200
"""Users that may be asked for at once."""

LISTED = 100
"""Members whose watermarks are told one by one; of larger rooms counts are told."""


class Receipt(Payload):
    """What a user acknowledges; 0 is nothing."""

    user: str
    delivered: int = Field(ge=0, lt=2**63)
    read: int = Field(ge=0, lt=2**63)


class MemberReceipt(Receipt):
    """How far a member is. A new one begins at the event that made them one."""

    newcomer: bool = False
    """They have not read anything since: what was said before `read` is not counted for them."""


class Receipts(Payload):
    """On `receipts.<app>.<room>`: what users acknowledged of a room; a repeat changes nothing."""

    epoch: str | None = None
    """Of the offsets, if it is known: those of another epoch mean nothing."""
    at: At
    receipts: list[Receipt]


class Counts(Payload):
    """How many members are how far: pairs `[offset, members that are there or further]`, newest first.

    Of the newest watermarks, and the lowest.
    """

    delivered: list[tuple[int, int]]
    read: list[tuple[int, int]]
    newcomers: list[tuple[int, int]] = Field(default_factory=list)
    """Where those begin who have not read anything since; they are in the others as well."""


class Watermarks(Payload):
    """On `watermarks.<app>.<room>`: members who moved, and where they are now."""

    epoch: str
    members: int
    moved: list[MemberReceipt]
    counts: Counts | None = None
    """In rooms of more than `LISTED` members."""


class WatermarksRequest(Payload):
    """How far are the members of the room?"""

    app: str = Field(pattern=APP)
    room: str = Field(pattern=ROOM)


class WatermarksAnswer(Payload):
    """An empty answer, instead of this one, says: not known now."""

    epoch: str
    members: int
    receipts: list[MemberReceipt]
    """Of the first `LISTED` members, by user id."""
    counts: Counts | None = None
    """In rooms of more than `LISTED` members."""


class Change(Payload):
    """A room was written to."""

    room: str
    head: int
    users: list[str]
    """Who wrote in it, joined or left: their membership may be another now."""


class Changes(Payload):
    """On `comments.changed.<app>`: rooms that were written to just now."""

    changes: list[Change]


class UnreadRequest(Payload):
    """What have these users not read, in one room or in all of which they are members?"""

    app: str = Field(pattern=APP)
    users: Annotated[list[str], Field(max_length=MAX_USERS)]
    room: str | None = Field(default=None, pattern=ROOM)


class RoomUnread(Payload):
    """What one member has not read of a room."""

    room: str
    head: int
    read: int
    """The member's read watermark."""
    unread: int
    """Comments of others after it that still exist."""
    mentioned: bool
    """One of them mentions the member."""


class UnreadAnswer(Payload):
    """By user; a room of which a user is no member is not in it. An empty answer says: not known now."""

    users: dict[str, list[RoomUnread]]


@dataclass(frozen=True, slots=True)
class Taken:
    """One message of the stream RECEIPTS, to be confirmed."""

    room: str
    data: bytes
    reply: str
    again: bool = False
    """It was taken before, and not confirmed in time."""


class ReceiptStream(Protocol):
    """The stream RECEIPTS. All raise `StreamError`, or let their future raise it."""

    async def ensure_receipts(self, *, replicas: int = 1) -> None:
        """Make the stream if it is gone; configure it as it should be."""
        ...

    async def publish_receipts(self, app: str, room: str, data: bytes) -> asyncio.Future[None]:
        """Done once the stream has them; pipelined."""
        ...

    async def take_receipts(self, app: str, durable: str, most: int, wait: float) -> Sequence[Taken]:
        """The next messages for this durable consumer, which all its replicas share; made if it is gone.

        Waits `wait` seconds for the first one. What is not confirmed within
        `storage.CONFIRM_SECONDS` comes again.
        """
        ...

    async def confirm_receipts(self, taken: Sequence[Taken]) -> None:
        """They need not come again."""
        ...
