"""The events: what has happened in a room, in the past tense.

An event never changes once published. Fields may be added with a default; a field is never
renamed, retyped or removed. A new meaning gets a new type. Readers ignore fields they don't know.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

from events.record import rfc3339

APP = r"^[A-Za-z0-9_-]{1,64}$"
"""The grammar of an installation's id, one token of a subject."""

ROOM = r"^[A-Za-z0-9_\-=@,.;]{1,164}$"
"""The grammar of a room's id: Pusher's channel names, so that those clients keep theirs."""

Meta = dict[str, Any]
"""What the host app keeps with an image or a video; Parley stores it and never looks inside."""


At = Annotated[
    AwareDatetime,
    PlainSerializer(rfc3339, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
"""Always with six decimals, so that times also sort as text."""


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")

    id: UUID
    room: str = Field(pattern=ROOM)
    offset: int = Field(ge=1)
    """Position in the room's log: 1, 2, 3, … without gaps."""
    at: At
    actor: str
    """The id of the user who did it."""


class Mention(BaseModel):
    """`@` and the id of a member of the room, in a comment's body."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    user: str
    start: int = Field(ge=0)
    """Where the `@` is, in UTF-16 code units, as JavaScript, Java and Swift count."""
    end: int = Field(ge=0)
    """Where the text goes on behind it."""


class CommentPosted(_Event):
    """A user wrote a comment; writing makes them a member of the room."""

    type: Literal["comment.posted"] = "comment.posted"
    comment: UUID
    body: str
    author_name: str | None = None
    author_avatar: str | None = None
    client_id: str | None = None
    """The key under which the author's client sent it; a repeat with this key adds nothing."""
    image_meta: Meta | None = None
    video_meta: Meta | None = None
    mentions: list[Mention] = Field(default_factory=list)
    """In the order of the text."""
    urgent: bool = False
    """Its pushes are not held back by quiet hours; only moderators of the room can post it."""


class CommentEdited(_Event):
    """The whole new version of a comment, by its author or a moderator (`actor`)."""

    type: Literal["comment.edited"] = "comment.edited"
    comment: UUID
    body: str
    image_meta: Meta | None = None
    video_meta: Meta | None = None
    mentions: list[Mention] = Field(default_factory=list)


class CommentDeleted(_Event):
    """A comment is gone for readers, by its author or a moderator (`actor`)."""

    type: Literal["comment.deleted"] = "comment.deleted"
    comment: UUID


class RoomCreated(_Event):
    """A room was given attributes before anything else happened to them."""

    type: Literal["room.created"] = "room.created"
    attributes: Meta = Field(default_factory=dict)


class RoomUpdated(_Event):
    """The room's attributes are now these: all of them, not a difference."""

    type: Literal["room.updated"] = "room.updated"
    attributes: Meta = Field(default_factory=dict)


class MemberJoined(_Event):
    """`user` belongs to the room from here on."""

    type: Literal["member.joined"] = "member.joined"
    user: str
    name: str | None = None
    avatar: str | None = None


class MemberLeft(_Event):
    """`user` no longer belongs to the room."""

    type: Literal["member.left"] = "member.left"
    user: str


Event = Annotated[
    CommentPosted | CommentEdited | CommentDeleted | RoomCreated | RoomUpdated | MemberJoined | MemberLeft,
    Field(discriminator="type"),
]
TYPES: tuple[type[_Event], ...] = (
    CommentPosted,
    CommentEdited,
    CommentDeleted,
    RoomCreated,
    RoomUpdated,
    MemberJoined,
    MemberLeft,
)

adapter: TypeAdapter[Event] = TypeAdapter(Event)


def encode(event: Event) -> bytes:
    """The event as one line of compact camelCase JSON, UTF-8."""
    return adapter.dump_json(event, by_alias=True)


def decode(data: bytes | str) -> Event:
    """Raise `ValueError` if the data is not an event this version knows."""
    return adapter.validate_json(data)
