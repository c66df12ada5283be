"""What fanout and presence say to each other: leases, transitions, and questions about who is here.

All are JSON in camelCase. Times are as in events.
"""

from typing import Annotated, Literal

from pydantic import Field

from events.payload import Payload
from events.schema import APP, ROOM, At

Activity = Literal["active", "idle"]
MAX_ASKED = 100
"""Users that may be asked for at once."""


class Lease(Payload):
    """The value of a lease: who holds the connection, and where it is."""

    user: str
    name: str | None = None
    avatar: str | None = None
    device: str | None = None
    """The client's own name for the device, if it gave one."""
    activity: Activity = "active"
    rooms: list[str] = Field(default_factory=list)
    since: At
    """When the connection began."""


class Device(Payload):
    """One connection of a user."""

    connection: str
    device: str | None = None
    activity: Activity
    since: At


class Person(Payload):
    """A user in a room, as clients see them; `devices` only where it is asked for."""

    user: str
    name: str | None = None
    avatar: str | None = None
    activity: Activity = "active"


class Present(Person):
    """A user who was asked for: here or not."""

    here: bool
    devices: list[Device] = Field(default_factory=list)
    last_seen: At | None = None
    """Now or a moment ago if they are here; `None` if it is not known."""


class Joined(Payload):
    """On `presence.<app>.<room>.joined`: they are here now, and were not.

    On `….changed`: they were here, and have another activity, name or avatar.
    """

    people: list[Person]
    count: int
    """Users in the room, after it."""


class Left(Payload):
    """On `presence.<app>.<room>.left`: they were here, and are no more."""

    users: list[str]
    count: int


class PresenceQuery(Payload):
    """Who is in the room? With `users`: are these? A page follows the user id `after`."""

    app: str = Field(pattern=APP)
    room: str = Field(pattern=ROOM)
    users: Annotated[list[str], Field(max_length=MAX_ASKED)] | None = None
    after: str = ""
    limit: int = Field(default=1000, ge=0, le=1000)
    """People on the page; 0 asks for the count alone."""


class PresenceAnswer(Payload):
    """An empty answer, instead of this one, says: not known now."""

    count: int
    people: list[Person] = Field(default_factory=list)
    """By user id."""
    more: bool = False
    """Others follow the last of them."""
    asked: list[Present] = Field(default_factory=list)
    """The `users` that were asked for, in that order."""
