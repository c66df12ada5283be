"""The HTTP API, version 1."""

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request, Response

from chassis.auth import Caller, Identity
from chassis.problems import answers, invalid, parse
from chassis.shortcut import Headers, Shortcut
from comments.actions import Actions, allow
from comments.audiences import Audiences
from comments.drafts import STORABLE, Attributes, Change, NewMember, RoomDraft
from comments.errors import CommentGone, KeyReused, NotTheAuthor, UnknownComment
from comments.reader import Reader
from comments.requests import KEY, READING, SENDING, WRITING, CommentId, key_of, request_body
from comments.views import (
    CommentAnswer,
    CommentPage,
    Member,
    MemberPage,
    ReceiptPage,
    Room,
    RoomPage,
    VersionList,
)
from events import ROOM

RoomId = Annotated[str, Path(pattern=ROOM, description="The room's id.", examples=["chat-5-12"])]
Limit = Annotated[int, Query(ge=1, le=100, description="Entries on a page.")]
Offset = Annotated[int | None, Query(ge=0, le=2**63 - 1)]
After = Annotated[str, Query(max_length=164, description="Entries that follow this id."), STORABLE]
UserId = Annotated[str, Path(max_length=128, description="The user's id.", examples=["u1"]), STORABLE]


def router(actions: Actions, reader: Reader, audiences: Audiences) -> APIRouter:
    """The routes under `/v1`."""
    routes = APIRouter(prefix="/v1", responses=answers(*READING))
    _comments(routes, actions, reader, audiences)
    _comment(routes, actions, audiences)
    _receipts(routes, actions, audiences)
    _rooms(routes, actions, reader)
    _members(routes, actions, reader)
    return routes


def _comments(routes: APIRouter, actions: Actions, reader: Reader, audiences: Audiences) -> None:
    path = "/rooms/{room}/comments"

    @routes.post(
        path,
        status_code=201,
        response_model=CommentAnswer,
        summary="Post a comment",
        tags=["comments"],
        responses={
            200: {"model": CommentAnswer, "description": "It was posted before, under the same key."},
            **answers(*SENDING, KeyReused),
        },
        openapi_extra={"requestBody": request_body(RoomDraft, "application/json"), "parameters": [KEY]},
    )
    async def post_comment(room: RoomId, request: Request, caller: Caller) -> Response:
        """Answered once the comment is durable; from then on it reaches every socket in the room.

        One that is `urgent` needs the right to moderate.
        """
        return await _post(actions, caller, room, request.headers, await request.body())

    @routes.get(path, response_model=CommentPage, summary="A page of a room's comments", tags=["comments"])
    async def list_comments(
        room: RoomId, caller: Caller, limit: Limit = 50, before: Offset = None, after: Offset = None
    ) -> Response:
        """In offset order: the newest ones, those below `before`, or those above `after`.

        `next`, also sent as a `Link` header, is the path of the page that follows in the same direction.
        """
        allow(caller, "r", room)
        if before is not None and after is not None:
            raise invalid([{"loc": ("before",), "msg": "cannot be combined with after"}], "query")
        place = await reader.place(room)
        if after is not None:
            found = await reader.following(room, place, after, limit + 1)
            page, turn = found[:limit], {"after": found[limit - 1].offset} if len(found) > limit else None
        else:
            found = await reader.newest(room, place, before, limit + 1)
            page, turn = found[-limit:], {"before": found[-limit].offset} if len(found) > limit else None
        following = _next(f"/v1/rooms/{room}/comments", limit, turn)
        comments = await audiences.answers(page)
        body = CommentPage(comments=comments, next=following, epoch=place.epoch, head=place.head)
        return _json(body, 200, **({"Link": f'<{following}>; rel="next"'} if following else {}))


def shortcut(actions: Actions) -> Shortcut:
    """`post_comment` again, past the framework, which is most of what it costs."""

    async def handle(caller: Identity, room: str, headers: Headers, body: bytes) -> Response:
        return await _post(actions, caller, room, headers, body)

    path = re.compile(f"/v1/rooms/({ROOM.strip('^$')})/comments")
    return Shortcut("/v1/rooms/{room}/comments", path, frozenset({KEY["name"].lower()}), handle)


async def _post(actions: Actions, caller: Identity, room: str, headers: Headers, body: bytes) -> Response:
    draft = parse(RoomDraft, body)
    comment, created = await actions.post(caller, room, draft, key_of(headers), urgent=draft.urgent)
    location = f"/v1/comments/{comment.id}"
    return _json(CommentAnswer.of(comment), 201 if created else 200, Location=location)


def _comment(routes: APIRouter, actions: Actions, audiences: Audiences) -> None:
    path = "/comments/{comment}"
    unknown = answers(*READING, UnknownComment)
    refused = (NotTheAuthor, UnknownComment)

    @routes.get(path, response_model=CommentAnswer, summary="A comment", tags=["comments"], responses=unknown)
    async def get_comment(comment: CommentId, caller: Caller) -> Response:
        return _json(await audiences.answer(await actions.comment(caller, comment, "r")), 200)

    @routes.patch(
        path,
        response_model=CommentAnswer,
        summary="Edit a comment",
        tags=["comments"],
        responses=answers(*SENDING, *refused, CommentGone),
    )
    async def edit_comment(comment: CommentId, change: Change, caller: Caller) -> Response:
        """By its author or a moderator. An edit that changes nothing adds no version."""
        return _json(await audiences.answer(await actions.edit(caller, comment, change)), 200)

    @routes.delete(
        path,
        status_code=204,
        summary="Delete a comment",
        tags=["comments"],
        responses=answers(*WRITING, *refused),
    )
    async def delete_comment(comment: CommentId, caller: Caller) -> None:
        """By its author or a moderator. Readers keep its place, without what it said."""
        await actions.delete(caller, comment)

    @routes.get(path + "/history", summary="Every version of a comment", tags=["comments"], responses=unknown)
    async def get_history(comment: CommentId, caller: Caller) -> VersionList:
        """Oldest first. What a deleted comment said is for its author and for moderators only."""
        return VersionList(versions=await actions.history(caller, comment))


def _receipts(routes: APIRouter, actions: Actions, audiences: Audiences) -> None:
    @routes.get(
        "/comments/{comment}/receipts",
        summary="Who has a comment, and who has read it",
        tags=["comments"],
        responses=answers(*READING, UnknownComment),
    )
    async def list_receipts(
        comment: CommentId, caller: Caller, limit: Limit = 50, after: After = ""
    ) -> ReceiptPage:
        """Of every current member beside its author, by user id. Times are kept of the last moves only.

        Who became a member after it is not among them until they have read something.
        """
        found = await actions.comment(caller, comment, "r")
        others = await audiences.others(found)
        receipts = await audiences.receipts(found, after, limit + 1)
        turn = {"after": receipts[limit - 1].user} if len(receipts) > limit else None
        return ReceiptPage(
            comment=found.id,
            offset=found.offset,
            members=others.members,
            delivered=others.delivered,
            read=others.read,
            receipts=receipts[:limit],
            next=_next(f"/v1/comments/{comment}/receipts", limit, turn),
        )


def _rooms(routes: APIRouter, actions: Actions, reader: Reader) -> None:
    @routes.get("/rooms", summary="Rooms that the caller is a member of", tags=["rooms"])
    async def list_rooms(caller: Caller, limit: Limit = 50, after: After = "") -> RoomPage:
        found = await reader.rooms_of(caller.user, after, limit + 1)
        turn = {"after": found[limit - 1].id} if len(found) > limit else None
        return RoomPage(rooms=found[:limit], next=_next("/v1/rooms", limit, turn))

    @routes.get("/rooms/{room}", summary="A room", tags=["rooms"])
    async def get_room(room: RoomId, caller: Caller) -> Room:
        """A room exists as soon as somebody may read it; before its first event, `head` is 0."""
        allow(caller, "r", room)
        return await reader.room(room)

    @routes.put(
        "/rooms/{room}", summary="Set a room's attributes", tags=["rooms"], responses=answers(*SENDING)
    )
    async def put_room(room: RoomId, attributes: Attributes, caller: Caller) -> Room:
        """Needs the right to moderate."""
        await actions.set_attributes(caller, room, attributes.attributes)
        return await reader.room(room)


def _members(routes: APIRouter, actions: Actions, reader: Reader) -> None:
    path = "/rooms/{room}/members"

    @routes.get(path, summary="A page of a room's members", tags=["members"])
    async def list_members(room: RoomId, caller: Caller, limit: Limit = 50, after: After = "") -> MemberPage:
        """By user id: who joined or wrote in the room, and has not left."""
        allow(caller, "r", room)
        found = await reader.members(await reader.place(room), after, limit + 1)
        turn = {"after": found[limit - 1].user} if len(found) > limit else None
        return MemberPage(members=found[:limit], next=_next(f"/v1/rooms/{room}/members", limit, turn))

    @routes.post(
        path,
        status_code=201,
        summary="Join a room",
        tags=["members"],
        responses={
            200: {"model": Member, "description": "They were a member already."},
            **answers(*SENDING),
        },
    )
    async def join_room(room: RoomId, member: NewMember, caller: Caller, response: Response) -> Member:
        """The caller joins; a moderator may name somebody else."""
        joined = await actions.join(caller, room, member)
        response.status_code = 201 if joined else 200
        return await reader.member(await reader.place(room), member.user or caller.user)

    @routes.delete(
        path + "/{user}",
        status_code=204,
        summary="Leave a room",
        tags=["members"],
        responses=answers(*WRITING),
    )
    async def leave_room(room: RoomId, user: UserId, caller: Caller) -> None:
        """The caller leaves; a moderator may name somebody else."""
        await actions.leave(caller, room, user)


def _json(body: CommentAnswer | CommentPage, status: int, **headers: str) -> Response:
    return Response(body.model_dump_json(by_alias=True), status, headers, "application/json")


def _next(path: str, limit: int, turn: Mapping[str, object] | None) -> str | None:
    return f"{path}?{urlencode({'limit': limit, **turn})}" if turn else None
