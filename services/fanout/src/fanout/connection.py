"""One native connection: finds out who is there, and passes on what they ask of rooms."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from chassis.auth import Identity, InvalidToken, Verifier
from chassis.limits import Buckets
from fanout import native
from fanout.closes import Close
from fanout.frames import INTERNAL_ERROR
from fanout.hub import Hub
from fanout.native import BadFrame, BadRequest, Connect, Subscribe, Unsubscribe
from fanout.rooms import Rooms, Rules
from fanout.sockets import Socket
from fanout.tasks import Tasks


@dataclass(frozen=True, slots=True)
class Context:
    """What all native connections of a process share."""

    hub: Hub
    tasks: Tasks
    verifier: Verifier
    rules: Rules
    requests: Buckets | None
    """How often one connection may ask; `None`: as often as it wants."""
    refusals: Buckets
    """How often it may be refused because it asks too often."""


class Connection:
    """A `Session` of the WebSocket adapter and a `Sink` of the hub."""

    __slots__ = (
        "_context",
        "_deadline",
        "_early",
        "_early_size",
        "_ended",
        "_over",
        "_rooms",
        "_token",
        "id",
        "socket",
        "stalled",
    )

    def __init__(self, id: str, context: Context, token: str | None, ended: Callable[[], None]) -> None:  # noqa: A002
        """`token` is the one of the upgrade request, if it had any; `ended` is called once."""
        self.id = id
        self.stalled = False
        self.socket: Socket
        self._context = context
        self._ended = ended
        self._token = token
        self._rooms: Rooms | None = None
        """`None` until the token is verified."""
        self._early: list[str] | None = None
        """Requests that came while the token was being verified."""
        self._early_size = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._over = False

    # The WebSocket's side

    def opened(self, socket: Socket) -> None:
        self.socket = socket
        self._close_later(self._context.rules.connect, Close.NO_CONNECT)
        token, self._token = self._token, None
        if token is not None:
            self._connect(None, token)

    def text(self, message: str) -> None:
        buckets, now = self._context.requests, time.monotonic()
        if buckets is not None and (wait := buckets.take(self.id, now)) > 0:
            self._refuse(wait, now)
        elif self._early is None:
            self._receive(message)
        else:
            self._keep(self._early, message)

    def binary(self, message: bytes) -> None:
        self.close(Close.BAD_FRAME, "binary frames are not spoken here")

    def paused(self) -> None:
        self.stalled = True
        if self._rooms is not None:
            self._rooms.pause()

    def resumed(self) -> None:
        self.stalled = False
        if self._rooms is not None:
            self._rooms.resume()

    def closed(self, code: int, reason: str) -> None:
        self._leave()
        self._ended()

    # The hub's side

    def lost(self, room: str) -> None:
        self.close(Close.HISTORY_CHANGED, room)

    def failed(self) -> None:
        self._leave()
        self.socket.close(INTERNAL_ERROR)

    def close(self, code: Close, reason: str = "") -> None:
        self._leave()
        self.socket.close(code, reason or code.meaning)

    def _leave(self) -> None:
        self._over = True
        if self._deadline is not None:
            self._deadline.cancel()
        if self._rooms is not None:
            self._rooms.leave()

    def _close_later(self, seconds: float, code: Close) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(seconds, self.close, code)

    # Who is there

    def _connect(self, id: int | None, token: str) -> None:  # noqa: A002
        if self._rooms is not None:
            self.socket.send(native.error(id, "connected_already", "this connection is connected"))
            return
        try:
            caller = self._context.verifier.verify_cached(token)
        except InvalidToken as reason:
            self.close(Close.INVALID_TOKEN, str(reason))
            return
        if caller is not None:
            self._welcome(id, caller)
        else:
            self._early = []
            self._context.tasks.spawn(self._verify(id, token), self.failed)

    async def _verify(self, id: int | None, token: str) -> None:  # noqa: A002
        try:
            caller = await self._context.verifier.verify(token)
        except InvalidToken as reason:
            self.close(Close.INVALID_TOKEN, str(reason))
        else:
            self._welcome(id, caller)

    def _welcome(self, id: int | None, caller: Identity) -> None:  # noqa: A002
        if self._over:
            return
        context = self._context
        self._rooms = Rooms(self, caller, context.hub, context.tasks, context.rules)
        self._close_later(max(0.0, caller.expires - time.time()), Close.TOKEN_EXPIRED)
        self.socket.send(native.connected(id, self.id, caller.user, context.rules.ping))
        early, self._early = self._early or (), None
        for message in early:
            self._receive(message)

    def _keep(self, early: list[str], message: str) -> None:
        self._early_size += len(message)
        if self._early_size > self._context.rules.early:
            self.close(Close.TOO_MANY_REQUESTS)
        else:
            early.append(message)

    # Requests

    def _receive(self, message: str) -> None:
        if self._over:
            return
        try:
            self._carry_out(native.receive(message))
        except BadRequest as bad:
            self.socket.send(native.error(bad.id, "invalid_request", str(bad)))
        except BadFrame as bad:
            self.close(Close.BAD_FRAME, str(bad))

    def _carry_out(self, request: native.Request) -> None:
        if isinstance(request, Connect):
            self._connect(request.id, request.token)
        elif self._rooms is None:
            self.close(Close.NOT_CONNECTED)
        elif isinstance(request, Subscribe):
            self._rooms.subscribe(request)
        elif isinstance(request, Unsubscribe):
            self._rooms.unsubscribe(request)
        else:
            self._rooms.signal(request)

    def _refuse(self, wait: float, now: float) -> None:
        """The request is not read, so its id is not known."""
        if self._context.refusals.take(self.id, now) > 0:
            self.close(Close.TOO_MANY_REQUESTS)
            return
        message = "this connection asks too often; the request was not carried out"
        self.socket.send(native.error(None, "too_many_requests", message, retryAfter=round(wait, 3)))
