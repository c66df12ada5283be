"""What a room's events change in the notifier's tables, pure: many events become few rows."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import zip_longest
from uuid import UUID

from events import (
    ROOM,
    CommentDeleted,
    CommentEdited,
    CommentPosted,
    Event,
    MemberJoined,
    MemberLeft,
    Mention,
    Meta,
    Record,
    RoomCreated,
    RoomUpdated,
    decode,
)

MAX_TITLE = 200
"""Characters; a longer name is none that could be shown."""

CHALLENGE = "challenge"
"""The title of a room about a challenge, whose attributes name it by `challengeId` only."""

Mentioned = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Logged:
    """What happened at an offset; `None` is what this version does not know."""

    offset: int
    event: Event | None
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Events of a room by offset, each once; there may be gaps."""

    room: str
    epoch: str
    events: Sequence[Logged]

    @property
    def first(self) -> int:
        return self.events[0].offset

    def after(self, head: int) -> tuple[Sequence[Logged], "Stretch | None"]:
        """What follows the head without a gap, and what is beyond it; what is known already is neither."""
        new = [each for each in self.events if each.offset > head]
        gap = next((at for at, each in enumerate(new) if each.offset != head + 1 + at), len(new))
        return new[:gap], Stretch(self.room, self.epoch, new[gap:]) if new[gap:] else None


@dataclass(frozen=True, slots=True)
class When:
    """When it is decided who gets a push: `delay` seconds after a comment, unless it is `ttl` seconds old."""

    now: datetime
    delay: timedelta
    ttl: timedelta

    def look_at(self, at: datetime) -> datetime | None:
        return max(at, self.now) + self.delay if at + self.ttl > self.now else None


@dataclass(slots=True)
class Posted:
    """A comment that is new."""

    offset: int
    id: UUID
    event: UUID
    author: str
    author_name: str | None
    author_avatar: str | None
    body: str
    mentions: Mentioned
    urgent: bool
    at: datetime
    trace: str | None
    look_at: datetime | None
    deleted: bool = False


@dataclass(slots=True)
class Changes:
    """Of one room. Whoever left is removed before those who joined are added."""

    room: str
    head: int
    titled: bool = False
    title: str | None = None
    posted: dict[UUID, Posted] = field(default_factory=dict)
    edited: dict[UUID, tuple[str, Mentioned]] = field(default_factory=dict)
    """Comments that were known before: body and who is mentioned."""
    deleted: set[UUID] = field(default_factory=set)
    """Likewise."""
    joined: dict[str, int] = field(default_factory=dict)
    """Who is a member now, and since which offset unless they were one before."""
    left: set[str] = field(default_factory=set)
    """Who left, even if they came back."""


def read(record: Record) -> Logged:
    """What the stream says happened. Raise `ValueError` if nothing of ours could have published it."""
    if not re.fullmatch(ROOM, record.room) or not 1 <= record.offset < 2**63 or "\0" in record.epoch:
        raise ValueError("not the place of an event")
    logged = read_line(record.offset, record.data, record.trace)
    if logged.event is not None and (logged.event.room, logged.event.offset) != (record.room, record.offset):
        raise ValueError("an event of another place")
    return logged


def read_line(offset: int, data: bytes, trace: str | None = None) -> Logged:
    """What the log has at the offset."""
    try:
        return Logged(offset, decode(data), trace)
    except ValueError:
        return Logged(offset, None, trace)


def stretches(found: Iterable[tuple[Record, Logged]]) -> list[list[Stretch]]:
    """In whatever order and however often they came; each list has a room once, the first its first epoch."""
    places: dict[str, dict[str, dict[int, Logged]]] = {}
    for record, logged in found:
        places.setdefault(record.room, {}).setdefault(record.epoch, {})[logged.offset] = logged
    rooms = [
        [
            Stretch(room, epoch, [events[offset] for offset in sorted(events)])
            for epoch, events in epochs.items()
        ]
        for room, epochs in sorted(places.items())
    ]
    return [[each for each in some if each is not None] for some in zip_longest(*rooms)]


def fold(room: str, events: Sequence[Logged], when: When) -> Changes:
    """`events` follow each other without a gap."""
    changes = Changes(room, events[-1].offset)
    for each in events:
        _apply(changes, each, when)
    return changes


def _apply(changes: Changes, logged: Logged, when: When) -> None:
    match logged.event:
        case CommentPosted() as event:
            changes.posted[event.comment] = _posted(event, logged.trace, when)
            changes.joined.setdefault(event.actor, event.offset)
        case CommentEdited() as event:
            _edit(changes, event)
        case CommentDeleted() as event:
            _delete(changes, event.comment)
        case MemberJoined() as event:
            changes.joined.setdefault(event.user, event.offset)
        case MemberLeft() as event:
            changes.joined.pop(event.user, None)
            changes.left.add(event.user)
        case RoomCreated() | RoomUpdated() as event:
            changes.titled, changes.title = True, title(event.attributes)


def _posted(event: CommentPosted, trace: str | None, when: When) -> Posted:
    return Posted(
        offset=event.offset,
        id=event.comment,
        event=event.id,
        author=event.actor,
        author_name=event.author_name,
        author_avatar=event.author_avatar,
        body=event.body,
        mentions=_users(event.mentions),
        urgent=event.urgent,
        at=event.at,
        trace=trace,
        look_at=when.look_at(event.at),
    )


def _edit(changes: Changes, event: CommentEdited) -> None:
    body, mentions = event.body, _users(event.mentions)
    if (posted := changes.posted.get(event.comment)) is not None:
        posted.body, posted.mentions = body, mentions
    else:
        changes.edited[event.comment] = body, mentions


def _delete(changes: Changes, comment: UUID) -> None:
    if (posted := changes.posted.get(comment)) is not None:
        posted.body, posted.deleted = "", True
    else:
        changes.edited.pop(comment, None)
        changes.deleted.add(comment)


def _users(mentions: Sequence[Mention]) -> Mentioned:
    return tuple(dict.fromkeys(mention.user for mention in mentions))


def title(attributes: Meta) -> str | None:
    """What the room is called, as far as its attributes say."""
    for name in ("title", "name"):
        found = attributes.get(name)
        if isinstance(found, str) and found.strip() and len(found) <= MAX_TITLE:
            return found
    return CHALLENGE if "challengeId" in attributes else None
