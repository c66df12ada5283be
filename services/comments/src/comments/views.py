"""What readers get: the projections' rows, in the camelCase JSON of the API."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from comments import examples
from comments.examples import shown
from comments.watermarks import SENT, Receipts, Status
from events import Mention, Meta
from events.receipts import LISTED

ONLY_SMALL = f"Not told in rooms of more than {LISTED} members."


class View(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class Comment(View):
    """A comment as it is now: the projection's row."""

    id: UUID
    room: str
    offset: Annotated[int, Field(description="Position of the comment in its room's log.")]
    author: str
    author_name: str | None = None
    author_avatar: str | None = None
    body: Annotated[str, Field(description="Empty once the comment is deleted.")]
    image_meta: Meta | None = None
    video_meta: Meta | None = None
    mentions: Annotated[
        list[Mention], Field(description="Members whom the body names; positions in UTF-16 code units.")
    ] = []
    client_id: str | None = None
    created_at: AwareDatetime
    updated_at: Annotated[AwareDatetime | None, Field(description="When it was last edited.")] = None
    deleted_at: AwareDatetime | None = None


class CommentAnswer(Comment):
    """A comment as it is now, and how far it came with all other members of the room."""

    model_config = shown(examples.COMMENT)

    status: Annotated[
        Status, Field(description="DELIVERED to a device of everybody else who is a member; READ by them.")
    ] = "SENT"
    delivered_at: Annotated[
        AwareDatetime | None, Field(description=f"When the last of them had it. {ONLY_SMALL}")
    ] = None
    read_at: Annotated[
        AwareDatetime | None, Field(description=f"When the last of them had read it. {ONLY_SMALL}")
    ] = None

    @classmethod
    def of(cls, comment: Comment, receipts: Receipts = SENT) -> Self:
        return cls(
            **comment.__dict__,
            status=receipts.status,
            delivered_at=receipts.delivered_at,
            read_at=receipts.read_at,
        )


class CommentReceipt(View):
    """How far a comment came with a member who is not its author."""

    user: str
    name: str | None = None
    delivered_at: AwareDatetime | None = None
    read_at: AwareDatetime | None = None


class ReceiptPage(View):
    """With whom a comment came how far."""

    model_config = shown(examples.RECEIPTS)

    comment: UUID
    offset: int
    members: Annotated[int, Field(description="Beside the author, those who count for the comment.")]
    delivered: Annotated[int, Field(description="How many of them have it on a device.")]
    read: Annotated[int, Field(description="How many of them have read it.")]
    receipts: Annotated[list[CommentReceipt], Field(description="By user id.")]
    next: Annotated[str | None, Field(description="Path of the next page.")] = None


class Member(View):
    """A user who belongs to a room."""

    model_config = shown(examples.MEMBER)

    user: str
    name: str | None = None
    avatar: str | None = None
    joined_at: AwareDatetime


class Room(View):
    """A room, and where its log stands."""

    model_config = shown(examples.ROOM)

    id: str
    epoch: Annotated[
        str, Field(description="Identity of the room's history; offsets of another epoch are void.")
    ]
    head: Annotated[int, Field(description="Offset of the newest event, 0 before the first.")]
    attributes: Meta


class Version(View):
    """One version of a comment: as posted, as edited, or deleted."""

    model_config = shown(examples.VERSION)

    offset: int
    type: str
    at: AwareDatetime
    actor: str
    body: str | None = None
    image_meta: Meta | None = None
    video_meta: Meta | None = None


class CommentPage(View):
    """Comments in the order of their offsets."""

    model_config = shown(examples.COMMENTS)

    comments: list[CommentAnswer]
    next: Annotated[str | None, Field(description="Path of the next page in the same direction.")] = None
    epoch: str
    head: int


class RoomPage(View):
    model_config = shown({"rooms": [examples.ROOM], "next": "/v1/rooms?limit=1&after=chat-5-12"})

    rooms: list[Room]
    next: str | None = None


class MemberPage(View):
    model_config = shown({"members": [examples.MEMBER], "next": None})

    members: list[Member]
    next: str | None = None


class VersionList(View):
    model_config = shown({"versions": [examples.VERSION]})

    versions: list[Version]
