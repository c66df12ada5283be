"""What routes read from a request themselves, and how OpenAPI describes it."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from chassis.problems import invalid
from comments.drafts import ClientId
from comments.views import View

KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Sent again with the same key and content, the first result is answered.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
}
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
