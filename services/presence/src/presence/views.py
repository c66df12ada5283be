"""What callers get, in the camelCase JSON of the API."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from events.presence import Activity, Device, Person, Present
from events.schema import At
from presence import examples
from presence.examples import shown


class View(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class People(View):
    """A page of those who are in a room, by user id."""

    model_config = shown(examples.PEOPLE)

    room: str
    count: Annotated[int, Field(description="Of all users in the room.")]
    people: list[Person]
    next: Annotated[str | None, Field(description="Path of the page that follows.")] = None


class Asked(View):
    """Those users who were asked for, in that order."""

    model_config = shown(examples.ASKED)

    room: str
    count: Annotated[int, Field(description="Of all users in the room.")]
    asked: list[Present]


class UserPresence(View):
    """A user, wherever they are."""

    model_config = shown(examples.USER)

    user: str
    here: bool
    activity: Annotated[Activity | None, Field(description="Active on any device; null if not here.")] = None
    rooms: Annotated[list[str], Field(description="Where they are, of the rooms that the caller may read.")]
    devices: Annotated[list[Device], Field(description="Their connections, the newest first.")]
    last_seen: At | None = None
