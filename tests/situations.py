"""What the notifier's rules are asked about: one comment, one member, and all that could matter."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from notifier.model import Comment, Decision, Device, Member, Platform, Preferences, Presence, RoomPreferences
from notifier.rules import decide

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROOM = "chat-5-12"
HOUR = 3600.0


def comment(offset: int = 5, **changed: Any) -> Comment:
    """Of ada, a second before noon."""
    parts: dict[str, Any] = {
        "room": ROOM, "offset": offset, "id": UUID(int=offset), "event": UUID(int=1_000 + offset),
        "author": "ada", "author_name": "Ada", "author_avatar": None, "body": "hello",
        "at": NOON - timedelta(seconds=1),
    }  # fmt: skip
    return Comment(**parts | changed)


def device(id: str = "d1", platform: Platform = "webpush", **changed: Any) -> Device:  # noqa: A002
    return Device(id, "bob", platform, f"address of {id}", **changed)


def in_room(**changed: Any) -> dict[str, RoomPreferences]:
    return {ROOM: RoomPreferences(**changed)}


@dataclass(frozen=True)
class Situation:
    """Without changes, bob gets a push at noon."""

    comment: Comment = field(default_factory=comment)
    member: Member | None = field(default_factory=lambda: Member("bob"))
    devices: Sequence[Device] = field(default_factory=lambda: (device(),))
    presence: Presence = Presence.AWAY
    preferences: Preferences = field(default_factory=Preferences)
    now: datetime = NOON
    off: Collection[Platform] = ()
    expires_after: float = HOUR

    def decide(self) -> Decision:
        return decide(
            self.comment, self.member, self.devices, self.presence, self.preferences, self.now,
            off=self.off, expires_after=self.expires_after,
        )  # fmt: skip
