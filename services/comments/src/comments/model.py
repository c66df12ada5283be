"""What may happen in a room, without I/O: `decide` refuses or says what happens, `evolve` applies it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from comments.commands import (
    Command,
    DeleteComment,
    EditComment,
    Join,
    Leave,
    PostComment,
    SetAttributes,
)
from comments.errors import CommentGone, KeyReused, NotTheAuthor, UnknownComment
from comments.mentions import MOST, mentions
from comments.views import Comment, Member
from events import (
    CommentDeleted,
    CommentEdited,
    CommentPosted,
    Event,
    MemberJoined,
    MemberLeft,
    Meta,
    RoomCreated,
    RoomUpdated,
)


@dataclass(slots=True)
class RoomState:
    """A room as its events made it, or as much of it as the commands at hand need."""

    room: str
    head: int = 0
    attributes: Meta | None = None
    """`None` until they are set."""
    comments: dict[UUID, Comment] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    posted: dict[tuple[str, str], CommentPosted] = field(default_factory=dict)
    """By author and client id: what was posted under that key."""
    most_mentions: int = MOST
    """In one comment."""


def decide(state: RoomState, command: Command, at: datetime, new_id: Callable[[], UUID]) -> Event | None:
    """What happens if the command is carried out now; `None` if everything is already as it wants.

    Raise the `Problem` for which it is refused.
    """
    stamp: dict[str, Any] = {
        "id": new_id(),
        "room": state.room,
        "offset": state.head + 1,
        "at": at,
        "actor": command.actor,
    }
    match command:
        case PostComment():
            return _post(state, command, stamp)
        case EditComment():
            return _edit(state, command, stamp)
        case DeleteComment():
            comment = _changeable(state, command)
            return None if comment.deleted_at else CommentDeleted(**stamp, comment=command.comment)
        case SetAttributes():
            return _set(state, command, stamp)
        case Join():
            joined = MemberJoined(**stamp, user=command.user, name=command.name, avatar=command.avatar)
            return None if command.user in state.members else joined
        case Leave():
            return MemberLeft(**stamp, user=command.user) if command.user in state.members else None


def evolve(state: RoomState, event: Event) -> RoomState:
    """The state after the event. It takes the given state over: use what it returns."""
    state.head = event.offset
    match event:
        case CommentPosted():
            state.comments[event.comment] = comment_of(event)
            if event.actor not in state.members:
                state.members[event.actor] = member_of(event)
            if event.client_id is not None:
                state.posted[event.actor, event.client_id] = event
        case CommentEdited():
            _change(
                state,
                event.comment,
                body=event.body,
                image_meta=event.image_meta,
                video_meta=event.video_meta,
                mentions=event.mentions,
                updated_at=event.at,
            )
        case CommentDeleted():
            gone: dict[str, Any] = {"body": "", "image_meta": None, "video_meta": None, "mentions": []}
            _change(state, event.comment, **gone, deleted_at=event.at)
        case RoomCreated() | RoomUpdated():
            state.attributes = event.attributes
        case MemberJoined():
            state.members[event.user] = Member(
                user=event.user, name=event.name, avatar=event.avatar, joined_at=event.at
            )
        case MemberLeft():
            del state.members[event.user]
    return state


def answer(state: RoomState, command: Command) -> Comment | None:
    """The comment to answer once the command is carried out: a repeated post gets its first answer."""
    match command:
        case PostComment(client_id=str(key)):
            return comment_of(state.posted[command.actor, key])
        case PostComment() | EditComment() | DeleteComment():
            return state.comments[command.comment]
        case _:
            return None


def comment_of(event: CommentPosted) -> Comment:
    """The comment as it was when it was posted."""
    return Comment(
        id=event.comment,
        room=event.room,
        offset=event.offset,
        author=event.actor,
        author_name=event.author_name,
        author_avatar=event.author_avatar,
        body=event.body,
        image_meta=event.image_meta,
        video_meta=event.video_meta,
        mentions=event.mentions,
        client_id=event.client_id,
        created_at=event.at,
    )


def member_of(event: CommentPosted) -> Member:
    """Its author, as a member from then on."""
    return Member(user=event.actor, name=event.author_name, avatar=event.author_avatar, joined_at=event.at)


def _post(state: RoomState, command: PostComment, stamp: dict[str, Any]) -> Event | None:
    if command.client_id is not None:
        first = state.posted.get((command.actor, command.client_id))
        if first is not None:
            if _content(first) != _content(command):
                raise KeyReused(f"the key was used for the comment {first.comment}, which differs")
            return None
    return CommentPosted(
        **stamp,
        comment=command.comment,
        body=command.body,
        author_name=command.author_name,
        author_avatar=command.author_avatar,
        client_id=command.client_id,
        image_meta=command.image_meta,
        video_meta=command.video_meta,
        mentions=mentions(command.body, state.members, state.most_mentions),
        urgent=command.urgent,
    )


def _edit(state: RoomState, command: EditComment, stamp: dict[str, Any]) -> Event | None:
    comment = _changeable(state, command)
    if comment.deleted_at:
        raise CommentGone(f"the comment {comment.id} was deleted at {comment.deleted_at.isoformat()}")
    before = {name: getattr(comment, name) for name in ("body", "image_meta", "video_meta")}
    after = {**before, **command.changes}
    if after == before:
        return None
    same = after["body"] == comment.body
    named = comment.mentions if same else mentions(after["body"], state.members, state.most_mentions)
    return CommentEdited(**stamp, comment=comment.id, **after, mentions=named)


def _set(state: RoomState, command: SetAttributes, stamp: dict[str, Any]) -> Event | None:
    if state.attributes == command.attributes:
        return None
    kind = RoomCreated if state.attributes is None else RoomUpdated
    return kind(**stamp, attributes=command.attributes)


def _changeable(state: RoomState, command: EditComment | DeleteComment) -> Comment:
    comment = state.comments.get(command.comment)
    if comment is None:
        raise UnknownComment(f"no comment {command.comment} in the room {state.room}")
    if comment.author != command.actor and not command.moderator:
        raise NotTheAuthor(f"the comment {comment.id} is somebody else's")
    return comment


def _content(of: CommentPosted | PostComment) -> tuple[str, Meta | None, Meta | None, bool]:
    return of.body, of.image_meta, of.video_meta, of.urgent


def _change(state: RoomState, comment: UUID, **to: object) -> None:
    state.comments[comment] = state.comments[comment].model_copy(update=to)
