"""The routes of the app that Parley was first made for: `/api/comments`, in that app's own shape.

A challenge's chat in a cohort is the room `chat-<challengeId>-<cohortId>`.
"""

import json
import re
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, Field, ValidationError

from chassis.auth import Caller
from chassis.problems import Problem, answers, invalid
from comments import examples
from comments.actions import Actions
from comments.audiences import Audiences
from comments.drafts import Change, Draft
from comments.errors import CommentGone, KeyReused, NotTheAuthor, UnknownComment
from comments.examples import shown
from comments.requests import KEY, READING, SENDING, WRITING, CommentId, key_of, request_body
from comments.views import CommentAnswer, View
from comments.watermarks import Status
from events import Meta

ROOM = re.compile(r"chat-(\d+)-(\d+)")
KINDS = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
M = TypeVar("M", bound=View)
Number = Annotated[int, Field(ge=0, le=2**53)]


class PlanDraft(Draft):
    """A comment in the chat of a challenge and a cohort."""

    challenge_id: Annotated[Number, Field(examples=[5])]
    cohort_id: Annotated[Number, Field(examples=[12])]


class Profile(View):
    full_name: str | None
    profile_image: str | None


class PlanUser(View):
    id: str
    profile: Profile


class PlanComment(View):
    """A comment in that app's shape."""

    model_config = shown(examples.PLAN)

    id: UUID
    body: str
    challenge_id: int | None
    cohort_id: int | None
    user_id: str
    user: PlanUser
    image_meta: Meta | None
    video_meta: Meta | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    status: Status
    delivered_at: AwareDatetime | None = None
    read_at: AwareDatetime | None = None
    room: str
    offset: int
    client_id: str | None


SAME = PlanComment.model_fields.keys() & CommentAnswer.model_fields.keys() - {"updated_at"}
"""What both shapes call the same."""


class UnsupportedMediaType(Problem):
    """The body is neither JSON nor a form."""

    status, code = 415, "unsupported_media_type"


def router(actions: Actions, audiences: Audiences) -> APIRouter:
    """The routes under `/api`."""
    routes = APIRouter(prefix="/api", tags=["plan"], responses=answers(*READING))
    refused = (NotTheAuthor, UnknownComment)

    @routes.post(
        "/comments",
        status_code=201,
        summary="Post a comment in a challenge's chat",
        responses={
            200: {"model": PlanComment, "description": "It was posted before, under the same key."},
            **answers(*SENDING, KeyReused, UnsupportedMediaType),
        },
        openapi_extra={"requestBody": request_body(PlanDraft, *KINDS), "parameters": [KEY]},
    )
    async def post_plan_comment(request: Request, caller: Caller, response: Response) -> PlanComment:
        """JSON, or a form in either encoding; `imageMeta` and `videoMeta` are then JSON text."""
        draft = validate(PlanDraft, await fields(request))
        room = f"chat-{draft.challenge_id}-{draft.cohort_id}"
        comment, created = await actions.post(caller, room, draft, key_of(request.headers))
        response.status_code = 201 if created else 200
        return plan_comment(CommentAnswer.of(comment))

    @routes.patch(
        "/comments/{comment}",
        summary="Edit a comment",
        responses=answers(*SENDING, *refused, CommentGone, UnsupportedMediaType),
        openapi_extra={"requestBody": request_body(Change, *KINDS)},
    )
    async def edit_plan_comment(comment: CommentId, request: Request, caller: Caller) -> PlanComment:
        change = validate(Change, await fields(request))
        return plan_comment(await audiences.answer(await actions.edit(caller, comment, change)))

    @routes.delete(
        "/comments/{comment}",
        status_code=204,
        summary="Delete a comment",
        responses=answers(*WRITING, *refused),
    )
    async def delete_plan_comment(comment: CommentId, caller: Caller) -> None:
        await actions.delete(caller, comment)

    return routes


def plan_comment(comment: CommentAnswer) -> PlanComment:
    ids = ROOM.fullmatch(comment.room)
    return PlanComment(
        **comment.model_dump(include=SAME),
        challenge_id=int(ids[1]) if ids else None,
        cohort_id=int(ids[2]) if ids else None,
        user_id=comment.author,
        user=PlanUser(
            id=comment.author,
            profile=Profile(full_name=comment.author_name, profile_image=comment.author_avatar),
        ),
        updated_at=comment.updated_at or comment.created_at,
    )


async def fields(request: Request) -> dict[str, Any]:
    """Raise `InvalidRequest`, `UnsupportedMediaType`, or `HTTPException` for what is no form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return _object("body", (await request.body()))
    if kind not in KINDS:
        raise UnsupportedMediaType(f"send application/json or a form, not {kind or 'nothing'}"[:200])
    async with request.form(max_files=0, max_fields=20) as form:
        found = {name: value for name, value in form.items() if isinstance(value, str) and value}
    return {
        name: _object(name, value) if name in ("imageMeta", "videoMeta") else value
        for name, value in found.items()
    }


def _object(field: str, text: str | bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise invalid([{"loc": (field,), "msg": "is not JSON"}]) from error
    if not isinstance(value, dict):
        raise invalid([{"loc": (field,), "msg": "must be a JSON object"}])
    return value


def validate(model: type[M], values: dict[str, Any]) -> M:
    """Raise `InvalidRequest` naming each field."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_context=False, include_input=False)) from error
