"""What callers get, in the camelCase JSON of the API. Addresses and keys of devices are never among it."""

from collections.abc import Collection
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from events.schema import At
from notifier import examples, model
from notifier.examples import shown
from notifier.model import Level, Platform, Reason


class View(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class Device(View):
    """An installation of an app, of the caller."""

    model_config = shown(examples.DEVICE)

    id: str
    platform: Platform
    app: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    registered_at: At | None = None
    active: Annotated[bool, Field(description="False while pushes of its platform are switched off.")]

    @classmethod
    def of(cls, device: model.Device, on: Collection[Platform]) -> Self:
        return cls(
            id=device.id,
            platform=device.platform,
            app=device.target,
            locale=device.locale,
            time_zone=device.time_zone,
            registered_at=device.registered_at,
            active=device.platform in on,
        )


class DeviceList(View):
    model_config = shown({"devices": [examples.DEVICE]})

    devices: list[Device]


class WebPush(View):
    public_key: Annotated[str, Field(description="For `applicationServerKey`: P-256, as base64url.")]


class PushOffer(View):
    """What an app needs to know before it registers a device."""

    model_config = shown(examples.PUSH)

    platforms: Annotated[list[Platform], Field(description="To which pushes are sent.")]
    web_push: Annotated[WebPush | None, Field(description="Null while it is off.")] = None


class QuietHours(View):
    start: Annotated[str, Field(alias="from")]
    end: Annotated[str, Field(alias="to")]
    time_zone: Annotated[str | None, Field(description="Null is that of the device.")] = None

    @classmethod
    def of(cls, hours: model.QuietHours) -> Self:
        return cls(start=f"{hours.start:%H:%M}", end=f"{hours.end:%H:%M}", time_zone=hours.zone)


class RoomPreferences(View):
    """Of one room; null is as in all rooms."""

    model_config = shown(examples.ROOM)

    level: Level | None = None
    muted_until: Annotated[At | None, Field(description="In the year 9999: for ever.")] = None
    preview: bool | None = None

    @classmethod
    def of(cls, wanted: model.RoomPreferences) -> Self:
        return cls(level=wanted.level, muted_until=wanted.muted_until, preview=wanted.preview)


class Preferences(View):
    """What the caller wants to be notified of."""

    model_config = shown(examples.PREFERENCES)

    level: Annotated[Level, Field(description="Which comments, in rooms that say nothing else.")]
    muted_until: Annotated[At | None, Field(description="Nothing is pushed; in the year 9999: for ever.")] = (
        None
    )
    preview: Annotated[bool, Field(description="Whether a push shows who wrote what.")]
    muted_users: Annotated[list[str], Field(description="Whose comments are not pushed.")]
    quiet_hours: Annotated[QuietHours | None, Field(description="Pushes wait for their end.")] = None
    rooms: Annotated[dict[str, RoomPreferences], Field(description="By room id.")]

    @classmethod
    def of(cls, wanted: model.Preferences) -> Self:
        return cls(
            level=wanted.level,
            muted_until=wanted.muted_until,
            preview=wanted.preview,
            muted_users=sorted(wanted.muted_users),
            quiet_hours=None if wanted.quiet is None else QuietHours.of(wanted.quiet),
            rooms={room: RoomPreferences.of(one) for room, one in sorted(wanted.rooms.items())},
        )


Why = Reason | Literal["author", "waiting", "unknown"]
"""`waiting`: it is not decided yet. `unknown`: it was not written down, or is not kept any more."""

State = Literal["none", "waiting", "sending", "sent", "cancelled", "failed", "unknown"]


class DeviceNotification(View):
    """What became of a comment on one device."""

    device: str
    platform: str
    kind: Annotated[
        Literal["comment", "read"], Field(description="`read` takes back what was shown, and has no sound.")
    ]
    state: Annotated[
        State,
        Field(description="`none`: no push was made. `unknown`: one was handed over, and never answered."),
    ]
    reason: Why
    answer: Annotated[str | None, Field(description="Of the push service, in its own words.")] = None
    attempts: int = 0
    not_before: Annotated[At | None, Field(description="When it is due, or was.")] = None
    at: Annotated[At | None, Field(description="When its state became final, or else when it was made.")] = (
        None
    )
    trace: str | None = None


class PersonNotifications(View):
    """What became of a comment for one person, and why."""

    user: str
    reason: Why
    at: Annotated[At | None, Field(description="When it was decided; while it is not, when it will be.")] = (
        None
    )
    trace: Annotated[str | None, Field(description="The comment's, as W3C `traceparent`.")] = None
    devices: list[DeviceNotification]


class Notifications(View):
    """Who was notified of a comment, who was not, and why, by user id."""

    model_config = shown(examples.NOTIFICATIONS)

    comment: UUID
    room: str
    offset: int
    people: list[PersonNotifications]
    next: Annotated[str | None, Field(description="Path of the page that follows.")] = None
