"""What the notifier's tables say of rooms, and what they should: the events applied one by one."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from intakes import NOW, Room

from chassis.database import Pool
from events import (
    CommentDeleted,
    CommentEdited,
    CommentPosted,
    Event,
    MemberJoined,
    MemberLeft,
    RoomUpdated,
)


@dataclass(frozen=True, slots=True)
class Tables:
    """What the tables of an app say: rooms, members and comments, by their keys."""

    rooms: dict[str, tuple[str, int, str | None]]
    members: dict[tuple[str, str], tuple[int, int, int]]
    comments: dict[tuple[str, int], dict[str, Any]]


async def tables(pool: Pool, app: str) -> Tables:
    rooms = await pool.fetch("select * from notifier.rooms where app = $1", app)
    members = await pool.fetch("select * from notifier.members where app = $1", app)
    comments = await pool.fetch("select * from notifier.comments where app = $1", app)
    return Tables(
        {row["room"]: (row["epoch"], row["head"], row["title"]) for row in rooms},
        {(row["room"], row["user"]): (row["since"], row["delivered"], row["read"]) for row in members},
        {(row["room"], row["offset"]): _comment(dict(row)) for row in comments},
    )


def _comment(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in COMPARED}


COMPARED = ("id", "event", "author", "body", "mentions", "urgent", "at", "deleted", "look_at")


def folded(*rooms: Room, delay: float = 3, ttl: float = 3600) -> Tables:
    """What the tables say once everything happened: the events applied one by one."""
    found = Tables({}, {}, {})
    for room in rooms:
        titles: str | None = None
        for event in room.events:
            if isinstance(event, RoomUpdated):
                titles = event.attributes.get("title")
            _step(found, room.name, event, delay, ttl)
        found.rooms[room.name] = (room.epoch, len(room.events), titles)
    return found


def _step(found: Tables, room: str, event: Event, delay: float, ttl: float) -> None:
    since = (event.offset, event.offset - 1, event.offset - 1)
    match event:
        case CommentPosted():
            due = event.at + timedelta(seconds=ttl) > NOW
            found.comments[room, event.offset] = {
                "id": event.comment, "event": event.id, "author": event.actor, "body": event.body,
                "mentions": [mention.user for mention in event.mentions], "urgent": event.urgent,
                "at": event.at, "deleted": False,
                "look_at": max(event.at, NOW) + timedelta(seconds=delay) if due else None,
            }  # fmt: skip
            found.members.setdefault((room, event.actor), since)
        case CommentEdited():
            row = _row(found, event.comment)
            row["body"], row["mentions"] = event.body, [mention.user for mention in event.mentions]
        case CommentDeleted():
            row = _row(found, event.comment)
            row["deleted"], row["body"] = True, ""
        case MemberJoined():
            found.members.setdefault((room, event.user), since)
        case MemberLeft():
            found.members.pop((room, event.user), None)


def _row(found: Tables, comment: UUID) -> dict[str, Any]:
    return next(row for row in found.comments.values() if row["id"] == comment)
