"""What clients send: checked, bounded, and nothing that the log could not keep."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from comments.views import View
from events import Meta

META_BYTES = 8 * 1024
META_DEPTH = 8

ClientId = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")]
"""An idempotency key: 1 to 128 visible ASCII characters, such as a UUID."""


def storable(text: str) -> str:
    """Raise `ValueError` for what is not text to Postgres: NUL, and halves of a surrogate pair."""
    if "\0" in text:
        raise ValueError("must not contain the character NUL")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("is not valid Unicode") from error
    return text


def bounded(meta: Meta) -> Meta:
    """Raise `ValueError` if the object is deeper than 8 levels or longer than 8 KiB as JSON."""
    if _depth(meta, META_DEPTH) > META_DEPTH:
        raise ValueError(f"must not be nested deeper than {META_DEPTH} levels")
    try:
        text = json.dumps(meta, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise ValueError("must be JSON, without NaN or Infinity") from error
    if len(storable(text).encode()) > META_BYTES:
        raise ValueError(f"must be at most {META_BYTES} bytes of JSON")
    if "\\u0000" in text.replace("\\\\", ""):
        raise ValueError("must not contain the character NUL")
    return meta


def _depth(value: Any, most: int) -> int:
    if most < 0 or not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max((_depth(each, most - 1) for each in inner), default=0)


STORABLE = AfterValidator(storable)
"""After the length: else that is called a number of items."""
NonEmpty = Annotated[str, StringConstraints(min_length=1), STORABLE]
Bounded = Annotated[Meta, AfterValidator(bounded)]


class Draft(View):
    """A comment to post."""

    body: Annotated[NonEmpty, Field(examples=["Hello, room!"])]
    client_id: Annotated[
        ClientId | None,
        Field(description="Idempotency key, if the header is not sent.", examples=["0198c6f2-7d1b"]),
    ] = None
    image_meta: Bounded | None = None
    video_meta: Bounded | None = None


class RoomDraft(Draft):
    """A comment to post to a room."""

    urgent: Annotated[
        bool,
        Field(
            strict=True,
            description="Quiet hours do not hold its pushes back; for moderators.",
        ),
    ] = False


class Change(View):
    """A new version of a comment; what is absent stays, a meta of null is removed."""

    body: Annotated[NonEmpty | None, Field(examples=["Hello, everyone!"])] = None
    image_meta: Bounded | None = None
    video_meta: Bounded | None = None


class Attributes(View):
    """All attributes of a room: they replace those that it had."""

    attributes: Annotated[Bounded, Field(examples=[{"title": "Challenge 5"}])]


class NewMember(View):
    """Who joins: the caller, unless a moderator names somebody else."""

    user: Annotated[str, Field(min_length=1, max_length=128), STORABLE] | None = None
    name: Annotated[str, Field(max_length=200), STORABLE] | None = None
    avatar: Annotated[str, Field(max_length=2000, pattern=r"^https?://"), STORABLE] | None = None
