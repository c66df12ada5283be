"""What a caller can do, with the rights that each needs; the routes only translate."""

from uuid import UUID

from chassis.auth import Identity, Right
from chassis.problems import InvalidRequest, invalid
from chassis.tracing import traceparent
from comments.commands import Command, DeleteComment, EditComment, Join, Leave, PostComment, SetAttributes
from comments.drafts import Change, Draft, NewMember
from comments.errors import Forbidden, UnknownComment
from comments.ids import uuid7
from comments.log import Outcome
from comments.reader import Reader
from comments.views import Comment, Version
from comments.writer import Writer
from events import Meta


class Actions:
    """Everything raises the `Problem` that the caller is answered with."""

    def __init__(self, writer: Writer, reader: Reader, *, body_limit: int) -> None:
        """`body_limit` is the most characters in a comment's body."""
        self._writer = writer
        self._reader = reader
        self._body_limit = body_limit

    async def post(
        self, caller: Identity, room: str, draft: Draft, key: str | None, *, urgent: bool = False
    ) -> tuple[Comment, bool]:
        """The comment, and whether this call is the one that posted it."""
        allow(caller, "w", room)
        if urgent and not caller.may("m", room):
            raise Forbidden(f"urgent needs the right to moderate, which {caller.user} has not in {room}")
        self._check_length(draft.body)
        if key is not None and draft.client_id not in (None, key):
            raise _invalid("clientId", "differs from the header Idempotency-Key")
        outcome = await self._submit(
            PostComment(
                room=room,
                actor=caller.user,
                trace=traceparent(),
                comment=uuid7(),
                body=draft.body,
                author_name=caller.name,
                author_avatar=caller.avatar,
                client_id=key or draft.client_id,
                image_meta=draft.image_meta,
                video_meta=draft.video_meta,
                urgent=urgent,
            )
        )
        assert outcome.comment is not None
        return outcome.comment, outcome.event is not None

    async def edit(self, caller: Identity, comment: UUID, change: Change) -> Comment:
        found = await self.comment(caller, comment, "w")
        changes = change.model_dump(include=change.model_fields_set)
        if "body" in changes:
            if change.body is None:
                raise _invalid("body", "must be text")
            self._check_length(change.body)
        outcome = await self._submit(
            EditComment(
                room=found.room,
                actor=caller.user,
                trace=traceparent(),
                comment=comment,
                moderator=caller.may("m", found.room),
                changes=changes,
            )
        )
        assert outcome.comment is not None
        return outcome.comment

    async def delete(self, caller: Identity, comment: UUID) -> None:
        found = await self.comment(caller, comment, "w")
        moderator = caller.may("m", found.room)
        command = DeleteComment(
            room=found.room, actor=caller.user, trace=traceparent(), comment=comment, moderator=moderator
        )
        await self._submit(command)

    async def comment(self, caller: Identity, comment: UUID, right: Right) -> Comment:
        found = await self._reader.comment(comment)
        if found is None:
            raise UnknownComment(f"no comment {comment}")
        allow(caller, right, found.room)
        return found

    async def history(self, caller: Identity, comment: UUID) -> list[Version]:
        """Once a comment is deleted, what it said is for its author and for moderators only."""
        found = await self.comment(caller, comment, "r")
        versions = await self._reader.versions(found)
        if found.deleted_at is None or caller.user == found.author or caller.may("m", found.room):
            return versions
        blank = {"body": None, "image_meta": None, "video_meta": None}
        return [version.model_copy(update=blank) for version in versions]

    async def set_attributes(self, caller: Identity, room: str, attributes: Meta) -> None:
        allow(caller, "m", room)
        await self._submit(
            SetAttributes(room=room, actor=caller.user, trace=traceparent(), attributes=attributes)
        )

    async def join(self, caller: Identity, room: str, member: NewMember) -> bool:
        """Whether that made somebody a member who was none."""
        user = member.user or caller.user
        allow(caller, "r" if user == caller.user else "m", room)
        name, avatar = (caller.name, caller.avatar) if user == caller.user else (member.name, member.avatar)
        command = Join(room=room, actor=caller.user, trace=traceparent(), user=user, name=name, avatar=avatar)
        return (await self._submit(command)).event is not None

    async def leave(self, caller: Identity, room: str, user: str) -> None:
        allow(caller, "r" if user == caller.user else "m", room)
        await self._submit(Leave(room=room, actor=caller.user, trace=traceparent(), user=user))

    async def _submit(self, command: Command) -> Outcome:
        return await self._writer.submit(command)

    def _check_length(self, body: str) -> None:
        if len(body) > self._body_limit:
            raise _invalid("body", f"must have at most {self._body_limit} characters")


def allow(caller: Identity, right: Right, room: str) -> None:
    """Raise `Forbidden` unless the caller's token gives the right in the room."""
    if not caller.may(right, room):
        meaning = {"r": "read", "w": "write", "m": "moderate"}[right]
        raise Forbidden(f"the token does not allow {caller.user} to {meaning} in {room}")


def _invalid(field: str, message: str) -> InvalidRequest:
    return invalid([{"loc": (field,), "msg": message}])
