"""The HTTP API, version 1: who is here."""

from functools import partial
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Path, Query, Response
from pydantic import AfterValidator

from chassis.auth import Caller, Identity, TokenMissing
from chassis.identity import MAX_USER
from chassis.limits import TooManyRequests
from chassis.problems import InvalidRequest, answers, invalid
from events import ROOM
from events.presence import MAX_ASKED
from presence.answers import Answers
from presence.errors import Forbidden, NotKnown, UnknownUser
from presence.views import Asked, People, UserPresence, View

READING = (TokenMissing, Forbidden, InvalidRequest, TooManyRequests, NotKnown)
"""What every route may answer."""


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be printable")
    return value


PRINTABLE = AfterValidator(_printable)
"""After the length: else that is called a number of items."""
RoomId = Annotated[str, Path(pattern=ROOM, description="The room's id.", examples=["chat-5-12"])]
UserId = Annotated[
    str,
    Path(min_length=1, max_length=MAX_USER, description="The user's id.", examples=["u1"]),
    PRINTABLE,
]
Limit = Annotated[int, Query(ge=1, le=1000, description="People on a page.")]
After = Annotated[
    str, Query(max_length=MAX_USER, description="People whose user id follows this one."), PRINTABLE
]
Users = Annotated[
    str | None,
    Query(
        max_length=MAX_ASKED * (MAX_USER + 1),
        description=f"At most {MAX_ASKED} user ids, with commas between them: only these are told of.",
        examples=["u1,u2"],
    ),
]


def router(known: Answers) -> APIRouter:
    """The routes under `/v1`."""
    routes = APIRouter(prefix="/v1", responses=answers(*READING), tags=["presence"])

    @routes.get("/rooms/{room}/presence", response_model=People | Asked, summary="Who is in a room")
    async def get_room_presence(
        room: RoomId, caller: Caller, limit: Limit = 100, after: After = "", users: Users = None
    ) -> Response:
        """By user id, a page at a time; `next`, also sent as a `Link` header, is the path of the next one.

        With `users`, whether these are here, on which devices, and when they were last seen.
        """
        if not caller.may("r", room):
            raise Forbidden(f"the token does not allow {caller.user} to read in {room}")
        wanted = None if users is None else _users(users)
        _check_known(known)
        if wanted is not None:
            found = await known.asked(room, wanted)
            return _json(Asked(room=room, count=found.count, asked=found.asked))
        return _page(known, room, limit, after)

    @routes.get(
        "/users/{user}/presence",
        response_model=UserPresence,
        summary="Whether a user is here",
        responses=answers(*READING, UnknownUser),
    )
    async def get_user_presence(user: UserId, caller: Caller) -> Response:
        """Of oneself, and of who is in a room that the caller may read; of who was, when that was."""
        _check_known(known)
        return _json(await _user(known, caller, user))

    return routes


def _page(known: Answers, room: str, limit: int, after: str) -> Response:
    found = known.page(room, after, limit)
    following = None
    if found.more:
        turn = urlencode({"limit": limit, "after": found.people[-1].user})
        following = f"/v1/rooms/{quote(room)}/presence?{turn}"
    body = People(room=room, count=found.count, people=found.people, next=following)
    return _json(body, **({"Link": f'<{following}>; rel="next"'} if following else {}))


async def _user(known: Answers, caller: Identity, user: str) -> UserPresence:
    found, seen = await known.user(user, partial(caller.may, "r"))
    if user == caller.user or found.rooms:
        return found
    shared = [at for room, at in seen.items() if caller.may("r", room)]
    if not shared:
        raise UnknownUser(f"no user {user} in a room that {caller.user} may read")
    return UserPresence(user=user, here=False, activity=None, rooms=[], devices=[], last_seen=max(shared))


def _users(users: str) -> list[str]:
    """Raise `InvalidRequest`."""
    found = list(dict.fromkeys(filter(None, users.split(","))))
    if not found or len(found) > MAX_ASKED:
        raise _bad_users(f"must be 1 to {MAX_ASKED} user ids")
    if any(len(user) > MAX_USER or not user.isprintable() for user in found):
        raise _bad_users(f"each must be 1 to {MAX_USER} printable characters")
    return found


def _bad_users(message: str) -> InvalidRequest:
    return invalid([{"loc": ("users",), "msg": message}], "query")


def _check_known(known: Answers) -> None:
    if not known.known:
        raise NotKnown


def _json(body: View, **headers: str) -> Response:
    return Response(body.model_dump_json(by_alias=True), 200, headers, "application/json")
