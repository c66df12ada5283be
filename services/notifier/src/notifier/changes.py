"""Changes of what a person wants to be notified of, as clients send them. Pure."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Annotated, Self

from pydantic import ConfigDict, Field, StrictBool, StrictFloat, StrictInt, model_validator

from notifier import examples, model
from notifier.fields import FOREVER, Clock, RoomId, Time, UserId, Zone
from notifier.model import Level
from notifier.views import View

LONGEST_MUTE = 10 * 366 * 86_400
"""Seconds; who wants more says nothing, which is for ever."""


class Change(View):
    """What is misspelled is refused: it would be taken for absent, which means something."""

    model_config = ConfigDict(extra="forbid")


class QuietHours(Change):
    """From `from` to before `to` of every day; over midnight if `to` is earlier."""

    start: Annotated[Clock, Field(alias="from")]
    end: Annotated[Clock, Field(alias="to")]
    time_zone: Annotated[Zone | None, Field(description="IANA; null is that of the device.")] = None

    @model_validator(mode="after")
    def _last(self) -> Self:
        if self.start == self.end:
            raise ValueError("from and to must differ")
        return self

    def hours(self) -> model.QuietHours:
        return model.QuietHours(time.fromisoformat(self.start), time.fromisoformat(self.end), self.time_zone)


class RoomChange(Change):
    """All of a room's; what is absent or null is as in all rooms."""

    level: Level | None = None
    muted_until: Time | None = None
    preview: StrictBool | None = None

    def preferences(self, now: datetime) -> model.RoomPreferences:
        return model.RoomPreferences(self.level, _ahead(self.muted_until, now), self.preview)


class PreferencesChange(Change):
    """What is given replaces what there was; what is absent stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PREFERENCES]})

    level: Level = "all"
    muted_until: Annotated[Time | None, Field(description="Nothing is pushed until then; null ends it.")] = (
        None
    )
    preview: StrictBool = True
    muted_users: list[UserId] = Field(default_factory=list)
    quiet_hours: QuietHours | None = None
    rooms: Annotated[dict[RoomId, RoomChange], Field(description="All rooms that have their own.")] = Field(
        default_factory=dict
    )

    def applied(self, before: model.Preferences, now: datetime) -> model.Preferences:
        after = model.Preferences(
            level=self.level,
            muted_until=_ahead(self.muted_until, now),
            preview=self.preview,
            muted_users=frozenset(self.muted_users),
            quiet=None if self.quiet_hours is None else self.quiet_hours.hours(),
            rooms={room: one.preferences(now) for room, one in self.rooms.items()},
        )
        given = {_COLUMNS.get(name, name) for name in self.model_fields_set}
        return replace(before, **{name: getattr(after, name) for name in given})


_COLUMNS = {"quiet_hours": "quiet"}


class Mute(Change):
    """Until a time, or for so many seconds from now; neither is for ever. Null and 0 end it."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.MUTE]})

    until: Time | None = None
    seconds: Annotated[StrictInt | StrictFloat, Field(ge=0, le=LONGEST_MUTE)] = 0

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) > 1:
            raise ValueError("until and seconds cannot be combined")
        return self

    def end(self, now: datetime) -> datetime | None:
        """When it ends; `None` if it has."""
        if not self.model_fields_set:
            return FOREVER
        if "seconds" in self.model_fields_set:
            return _ahead(now + timedelta(seconds=self.seconds), now)
        return _ahead(self.until, now)


def _ahead(until: datetime | None, now: datetime) -> datetime | None:
    return until if until is not None and until > now else None
