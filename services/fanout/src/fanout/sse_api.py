"""The route that streams a room's events to a browser's EventSource."""

import itertools
import secrets
import time
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Query, Security
from fastapi.security import APIKeyQuery, HTTPAuthorizationCredentials, HTTPBearer
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from chassis.auth import Identity, TokenExpired, TokenMissing, Verifier
from chassis.problems import InvalidRequest, Problem, answers
from chassis.wheel import Wheel
from events import ROOM
from fanout import sse
from fanout.conversation import Desk
from fanout.roster import Roster
from fanout.sockets import Limits
from fanout.sse_stream import Context, Stream

HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would gather events until a buffer is full
    "Connection": "close",  # a browser would come back on the same connection to a server that drains
}

RETRY_SECONDS = 1.0
"""At least, until somebody comes back whose stream ended without a word."""

GOLDEN: Final = 0.6180339887498949
"""Its multiples spread evenly over the unit interval, however many there are."""

TICK = 0.25
"""Seconds by which a heartbeat may be late, twice."""

_EXAMPLE: Final = """\
retry: 1382

id: x7Tq:41
event: subscribed
data: {"room":"chat-5-12","epoch":"x7Tq","offset":42,"recovered":true,"presence":null,"receipts":null}

id: x7Tq:42
data: {"type":"comment.posted","id":"0d4a7f0e-6d55-4c8e-9a55-2f6f7a1f3c11","room":"chat-5-12","offset":42,…}

"""

_header = HTTPBearer(
    bearerFormat="JWT", scheme_name="bearer", description="A token signed by the host app.", auto_error=False
)
_query = APIKeyQuery(
    name="token",
    scheme_name="token",
    description="The same, where no header can be set; never logged.",
    auto_error=False,
)

RoomId = Annotated[str, Path(pattern=ROOM, description="The room's id.", examples=["chat-5-12"])]
Since = Annotated[
    str | None,
    Query(
        pattern=sse.POSITION,
        description="The `id` of the last event that was seen.",
        examples=["x7Tq:41"],
    ),
]
LastEventId = Annotated[
    str | None,
    Header(description="The same, as an EventSource sends it when it reconnects; it wins over `since`."),
]
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_header)]
Token = Annotated[str | None, Security(_query)]


class Forbidden(Problem):
    """The token does not give this right in this room."""

    status, code = 403, "forbidden"


class EventStream(StreamingResponse):
    """A 200 answer whose body a `Stream` sends."""

    media_type = sse.MEDIA_TYPE

    def __init__(self, stream: Stream) -> None:
        super().__init__((), headers=HEADERS)
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await self._stream.run(receive, send)


def router(
    desk: Desk, roster: Roster, verifier: Verifier, limits: Limits, expiry_warning: float
) -> APIRouter:
    """`GET /v1/rooms/{room}/events`; `expiry_warning` is in seconds."""
    wheel = Wheel(min(TICK, limits.ping / 4))
    context = Context(desk, roster, limits, expiry_warning, wheel)
    prefix, numbers = secrets.token_hex(4), itertools.count(1)
    routes = APIRouter(prefix="/v1", responses=answers(TokenMissing, Forbidden, InvalidRequest))

    @routes.get(
        "/rooms/{room}/events",
        status_code=200,
        response_class=EventStream,
        summary="A room's events as they happen",
        tags=["events"],
        responses={200: _described()},
    )
    async def stream_events(
        room: RoomId,
        credentials: Credentials,
        token: Token,
        since: Since = None,
        last_event_id: LastEventId = None,
    ) -> Response:
        """For a browser's EventSource, which resumes by itself but gives up for good at any status but 200.

        So a position that the log does not have is no error: the answer is `recovered: false`. Nor is it one
        that the server is busy or about to stop: the stream says when to come back, and ends.
        """
        caller = await _identify(verifier, credentials.credentials if credentials else token)
        if not caller.may("r", room):
            raise Forbidden(f"the token does not allow to read in {room}")
        number = next(numbers)
        retry = RETRY_SECONDS * (1 + number * GOLDEN % 1)
        after = sse.position((since or "") if last_event_id is None else last_event_id)
        return EventStream(Stream(f"e{prefix}{number}", room, after, caller, retry, context))

    return routes


async def _identify(verifier: Verifier, token: str | None) -> Identity:
    """Raise `InvalidToken`, also in the seconds for which other requests forgive an expired one."""
    if not token:
        raise TokenMissing("send it as: Authorization: Bearer <token>, or as ?token=")
    caller = verifier.verify_cached(token) or await verifier.verify(token)
    if caller.expires <= time.time():
        raise TokenExpired("open another stream with a new one, `since` the last event's id")
    return caller


def _described() -> dict[str, Any]:
    return {
        "description": "Server-sent events, until the client leaves or the server has said `closing`.",
        "content": {
            sse.MEDIA_TYPE: {
                "schema": {"type": "string"},
                "examples": {"stream": {"summary": "One event was missed.", "value": _EXAMPLE}},
            }
        },
    }
