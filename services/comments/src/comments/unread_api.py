"""The HTTP API of what the caller has not read."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter
from pydantic import Field

from chassis.auth import Caller
from chassis.problems import answers
from comments import examples
from comments.api import After, Limit
from comments.examples import shown
from comments.requests import READING
from comments.unread import UnreadReader
from comments.views import View


class UnreadRoom(View):
    """What the caller has not read of a room."""

    model_config = shown(examples.UNREAD)

    room: str
    head: Annotated[int, Field(description="Offset of the room's newest event.")]
    read: Annotated[int, Field(description="Offset up to which the caller has read.")]
    unread: Annotated[int, Field(description="Comments of others after it that still exist.")]
    mentioned: Annotated[bool, Field(description="One of them mentions the caller.")]


class UnreadPage(View):
    model_config = shown({"rooms": [examples.UNREAD], "next": None})

    rooms: list[UnreadRoom]
    next: str | None = None


def router(reader: UnreadReader) -> APIRouter:
    routes = APIRouter(prefix="/v1", responses=answers(*READING))

    @routes.get("/unread", summary="What the caller has not read", tags=["rooms"])
    async def get_unread(caller: Caller, limit: Limit = 50, after: After = "") -> UnreadPage:
        """Of the rooms that the caller is a member of, by id; those that the token lets them read.

        A page may have fewer entries than `limit`, even none: as long as there is a `next`, others follow.
        """
        found = await reader.page(caller.user, after, limit + 1)
        rooms = [UnreadRoom(**each.model_dump()) for each in found[:limit] if caller.may("r", each.room)]
        turn = urlencode({"limit": limit, "after": found[limit - 1].room}) if len(found) > limit else None
        return UnreadPage(rooms=rooms, next=f"/v1/unread?{turn}" if turn else None)

    return routes
