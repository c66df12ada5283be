"""What decisions are made of: comments, members, devices, wishes, and who is here. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from typing import Literal
from uuid import UUID

Platform = Literal["apns", "fcm", "webpush"]
PLATFORMS: tuple[Platform, ...] = ("apns", "fcm", "webpush")
Level = Literal["all", "mentions", "none"]


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as it is now, after edits."""

    room: str
    offset: int
    id: UUID
    event: UUID
    """Of its `comment.posted`."""
    author: str
    author_name: str | None
    author_avatar: str | None
    body: str
    at: datetime
    mentions: frozenset[str] = frozenset()
    urgent: bool = False
    deleted: bool = False
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """Of one room."""

    user: str
    delivered: int = 0
    read: int = 0


@dataclass(frozen=True, slots=True)
class Device:
    id: str
    user: str
    platform: Platform
    address: str
    """The provider's token, or the endpoint of a Web Push subscription."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Of a Web Push subscription: `p256dh` and `auth`, base64url."""
    target: str | None = None
    """The app it is installed as: an APNs topic; `None` is the configured one."""
    locale: str | None = None
    """BCP 47."""
    time_zone: str | None = None
    """IANA."""
    registered_at: datetime | None = None
    """When the address was last said to be right."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` to before `end` of every day on the wall's clock; over midnight if `end` is earlier."""

    start: time
    end: time
    zone: str | None = None
    """IANA; `None` is that of the device, or UTC."""


@dataclass(frozen=True, slots=True)
class RoomPreferences:
    """What is `None` is as for all rooms."""

    level: Level | None = None
    muted_until: datetime | None = None
    preview: bool | None = None


@dataclass(frozen=True, slots=True)
class Preferences:
    level: Level = "all"
    muted_until: datetime | None = None
    preview: bool = True
    """Whether a push shows who wrote what."""
    muted_users: frozenset[str] = frozenset()
    quiet: QuietHours | None = None
    rooms: Mapping[str, RoomPreferences] = field(default_factory=dict)

    def previews(self, room: str) -> bool:
        """Whether pushes about the room show who wrote what."""
        own = self.rooms.get(room)
        return self.preview if own is None or own.preview is None else own.preview


class Presence(StrEnum):
    """Of a member, in the room."""

    ACTIVE = "active"
    """Here, and using a device."""
    AWAY = "away"
    """Not here, or here and idle."""
    UNKNOWN = "unknown"
    """Whoever knows does not answer; counts as away, as a push too many is better than one too few."""


class Reason(StrEnum):
    """Why a device gets a push, or a member none."""

    PUSH = "push"
    QUIET_HOURS = "quiet_hours"
    """A push, at their end."""
    DELETED = "deleted"
    NOT_A_MEMBER = "not_a_member"
    READ = "read"
    MUTED = "muted"
    """Everything."""
    ROOM_MUTED = "room_muted"
    AUTHOR_MUTED = "author_muted"
    NOT_MENTIONED = "not_mentioned"
    HERE = "here"
    """Here, active, and it was delivered."""
    NO_DEVICE = "no_device"
    PLATFORM_OFF = "platform_off"
    EXPIRED = "expired"
    COLLAPSED = "collapsed"
    """A later comment of the room was pushed in its place."""
    DEVICE_GONE = "device_gone"
    """The provider knows the device no more, or the person signed out on it."""
    READ_ELSEWHERE = "read_elsewhere"
    """What was shown is taken back, and the badge lowered."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A push to one device, not before a time."""

    device: Device
    not_before: datetime
    reason: Literal[Reason.PUSH, Reason.QUIET_HOURS]


@dataclass(frozen=True, slots=True)
class Decision:
    """What one member gets for one comment."""

    pushes: Sequence[Planned]
    reason: Reason
    """Of all that get none; `PUSH` or `QUIET_HOURS` if there are pushes."""
