"""What routes read from a request themselves, and how OpenAPI describes it."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path
from pydantic import TypeAdapter, ValidationError

from chassis.auth import TokenMissing
from chassis.limits import TooManyRequests
from chassis.problems import BodyTooLarge, InvalidRequest, Problem, invalid
from comments import examples
from comments.drafts import ClientId
from comments.errors import Forbidden, Overloaded, StorageFull, Unavailable
from comments.views import View

KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Sent again with the same key and content, the first result is answered.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
}
CommentId = Annotated[UUID, Path(description="The comment's id.", examples=[examples.ID])]

READING = (TokenMissing, Forbidden, InvalidRequest, TooManyRequests, Unavailable)
"""What every route may answer."""

WRITING = (*READING, StorageFull, Overloaded)
SENDING = (*WRITING, Problem, BodyTooLarge)
"""With a body, which may be no JSON or no form at all: 400."""

_client_id: TypeAdapter[str] = TypeAdapter(ClientId)


def key_of(headers: Mapping[str, str]) -> str | None:
    """The header Idempotency-Key. Raise `InvalidRequest`."""
    key = headers.get("idempotency-key")
    if key is None:
        return None
    try:
        return _client_id.validate_python(key)
    except ValidationError as error:
        raise invalid([{"loc": ("header", "idempotency-key"), "msg": error.errors()[0]["msg"]}]) from error


def request_body(model: type[View], *kinds: str) -> dict[str, Any]:
    """A required body of the model in any of these media types."""
    schema = model.model_json_schema(by_alias=True)
    return {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}
