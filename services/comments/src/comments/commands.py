"""The commands: what somebody wants to happen in a room. Each may be refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from events import Meta


@dataclass(frozen=True, slots=True, kw_only=True)
class _Command:
    room: str
    actor: str
    """The id of the user who wants it; the API has checked their rights in the room."""
    trace: str | None = None
    """W3C `traceparent` of the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostComment(_Command):
    comment: UUID
    body: str
    author_name: str | None = None
    author_avatar: str | None = None
    client_id: str | None = None
    """Sent twice by the same user to the same room, the second one changes nothing."""
    image_meta: Meta | None = None
    video_meta: Meta | None = None
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EditComment(_Command):
    comment: UUID
    moderator: bool
    changes: Mapping[str, Any]
    """New values of `body`, `image_meta` and `video_meta`; what is absent stays, a meta of `None` is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteComment(_Command):
    comment: UUID
    moderator: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAttributes(_Command):
    """Create the room with these attributes, or replace those that it has."""

    attributes: Meta


@dataclass(frozen=True, slots=True, kw_only=True)
class Join(_Command):
    user: str
    name: str | None = None
    avatar: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave(_Command):
    user: str


Command = PostComment | EditComment | DeleteComment | SetAttributes | Join | Leave
