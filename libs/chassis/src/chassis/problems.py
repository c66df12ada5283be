"""Errors that clients see: RFC 9457 problem details.

A service subclasses `Problem` once per thing that can go wrong and raises it anywhere; `install` answers it.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, TypeVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.tracing import traceparent

MEDIA_TYPE = "application/problem+json"
M = TypeVar("M", bound=BaseModel)
PARTS = frozenset({"body", "query", "path", "header", "cookie"})
MAX_ERRORS = 20
"""Fields named in one 422: enough to fix a form, too few to amplify a hostile body."""
MAX_TEXT = 200
"""Characters of a field's name or message that are sent back."""

log = structlog.get_logger("chassis.problems")


class Problem(Exception):
    """The request cannot be carried out as sent."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"

    def __init__(self, detail: str = "", *, headers: Mapping[str, str] | None = None, **extras: Any) -> None:
        """`detail` is for the person who reads it, `extras` become members of the problem object."""
        super().__init__(detail)
        self.headers = dict(headers or {})
        self.extras = extras

    @classmethod
    def title(cls) -> str:
        return (cls.__doc__ or cls.__name__).partition("\n")[0]

    def body(self) -> dict[str, Any]:
        return details(self.status, self.code, self.title(), str(self), **self.extras)


class InvalidRequest(Problem):
    """A field of the request is not valid."""

    status, code = 422, "invalid_request"


class BodyTooLarge(Problem):
    """The request's body is too large."""

    status, code = 413, "body_too_large"


class Unexpected(Problem):
    """Something went wrong on our side."""

    status, code = 500, "internal"


def details(status: int, code: str, title: str, detail: str = "", **extras: Any) -> dict[str, Any]:
    """A problem object (RFC 9457, section 3) with the machine-readable `code` beside its `type`."""
    said = {"detail": detail} if detail else {}
    return {"type": f"/problems/{code}", "title": title, "status": status, "code": code, **said, **extras}


def respond(problem: Problem) -> JSONResponse:
    return JSONResponse(problem.body(), problem.status, problem.headers, MEDIA_TYPE)


def answers(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that may raise these, for its OpenAPI description."""
    documented: dict[int | str, dict[str, Any]] = {}
    for problem in problems:
        entry = documented.setdefault(
            problem.status, {"description": "", "content": {MEDIA_TYPE: _content()}}
        )
        entry["description"] = " ".join(filter(None, [entry["description"], problem.title()]))
        entry["content"][MEDIA_TYPE]["examples"][problem.code] = {"value": problem().body()}
    return documented


def _content() -> dict[str, Any]:
    return {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}


SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "For programs; stable."},
        "detail": {"type": "string", "description": "For people; may change."},
    },
}
"""What `answers` refers to."""


def invalid(errors: Sequence[Mapping[str, Any]], part: str = "body") -> InvalidRequest:
    """The problem of pydantic's `errors`: each names its field and the part of the request it is in."""
    named = [_named(error, part) for error in errors[:MAX_ERRORS]]
    return InvalidRequest(
        "; ".join(f"{each['field']}: {each['message']}" for each in named[:3]), errors=named
    )


def parse(model: type[M], body: bytes) -> M:
    """The JSON body of a request. Raise `InvalidRequest`."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_context=False, include_input=False)) from error


def _named(error: Mapping[str, Any], part: str) -> dict[str, str]:
    first, *rest = error["loc"] or ("",)
    where, path = (first, rest) if first in PARTS else (part, [first, *rest])
    field = ".".join(map(str, path))[:MAX_TEXT] or where
    return {
        "in": where,
        "field": field,
        "message": str(error["msg"]).removeprefix("Value error, ")[:MAX_TEXT],
    }


def install(app: FastAPI) -> None:
    """Answer everything that a route raises as a problem."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_middleware(CatchAll)


async def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return respond(error)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return respond(invalid(error.errors()))


CODES = {413: BodyTooLarge.code, 422: InvalidRequest.code, 500: Unexpected.code}


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    code = CODES.get(error.status_code) or re.sub(r"[^a-z]+", "_", phrase.lower())
    detail = "" if error.detail == phrase else error.detail
    return JSONResponse(
        details(error.status_code, code, f"{phrase}.", detail), error.status_code, error.headers, MEDIA_TYPE
    )


class CatchAll:
    """ASGI: answers 500 for what nobody expected, and logs it with the trace that a client can quote."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except ClientDisconnect:
            return  # nobody is there to be answered
        except Exception:
            if begun:  # half an answer cannot be replaced; the server closes the connection
                raise
            extras: dict[str, Any] = {"trace": trace} if (trace := traceparent()) else {}
            log.exception("request.failed", method=scope["method"], path=scope["path"])
            await respond(Unexpected(**extras))(scope, receive, send)
