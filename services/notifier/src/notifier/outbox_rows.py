"""Rows of the outbox, as they are written, claimed and settled. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from notifier.model import Reason

Kind = Literal["comment", "read"]
State = Literal["waiting", "sent", "cancelled", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class Owed:
    """A push to one device, as it was decided."""

    offset: int
    event: UUID
    comment: UUID
    user: str
    device: str
    platform: str
    reason: Reason
    not_before: datetime
    expires_at: datetime
    stands_for: int
    trace: str | None


@dataclass(frozen=True, slots=True)
class Spared:
    """Comments from `first` to `last` for which a member gets no push."""

    user: str
    first: int
    last: int
    reason: Reason
    trace: str | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that this process may send now."""

    id: int
    kind: Kind
    room: str
    offset: int
    event: UUID
    comment: UUID
    user: str
    device: str
    platform: str
    not_before: datetime
    expires_at: datetime
    attempts: int
    """With the one that begins."""
    unanswered: int
    """Of those before, how many had no answer."""
    unsure: bool
    more: int
    """Comments of the room that the device was to be told of before this one, and that are not read."""
    superseded: bool
    """A later comment of the room is shown on the device, or will be."""
    created_at: datetime
    trace: str | None


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a claimed row."""

    id: int
    state: State
    reason: Reason | None = None
    """`None`: as it was."""
    answer: str | None = None
    """What the provider, or the wire, said."""
    not_before: datetime | None = None
    """When a row that waits again is due."""
    unsure: bool = False
    expires_at: datetime | None = None
    """If it is another one now."""
