"""One native connection: finds out who is there, and passes on what they ask for."""

import time
from dataclasses import dataclass

from chassis.auth import Identity, InvalidToken, Verifier
from chassis.limits import Buckets, Rate
from fanout import native
from fanout.closes import Close
from fanout.conversation import Conversation, Desk
from fanout.deadline import Deadline
from fanout.frames import INTERNAL_ERROR
from fanout.reader import Readers
from fanout.receiving import BadFrame, BadRequest, identify, receive
from fanout.requests import Connect, Refresh, Request
from fanout.roster import Roster
from fanout.settings import Settings
from fanout.sockets import Socket

REFUSALS = Rate(1, 100)
"""Requests beyond the rate that one connection is told about before it is closed."""


@dataclass(frozen=True, slots=True)
class Context:
    """What all native connections of a process share."""

    desk: Desk
    roster: Roster
    verifier: Verifier
    requests: Buckets | None
    """How often one connection may ask; `None`: as often as it wants."""
    refusals: Buckets
    """How often it may be refused because it asks too often."""
    readers: Readers


def context_of(settings: Settings, desk: Desk, roster: Roster, verifier: Verifier) -> Context:
    rate = Rate(settings.requests_per_second, settings.requests_burst)
    requests = Buckets(rate) if settings.rate_limits == "on" else None
    return Context(desk, roster, verifier, requests, Buckets(REFUSALS), Readers(settings.shed_above))


class Connection:
    """A `Session` of the WebSocket adapter and a `Sink` of the hub."""

    __slots__ = (
        "_context",
        "_conversation",
        "_deadline",
        "_device",
        "_early",
        "_early_size",
        "_over",
        "_token",
        "id",
        "socket",
        "stalled",
    )

    def __init__(self, id: str, context: Context, token: str | None, device: str | None = None) -> None:  # noqa: A002
        """`token` and `device` are those of the upgrade request, if it had any."""
        self.id = id
        self.stalled = False
        self.socket: Socket
        self._context = context
        self._token = token
        self._device = device
        self._conversation: Conversation | None = None
        """`None` until the token is verified."""
        self._early: list[str] | None = None
        """Requests that came while the token was being verified."""
        self._early_size = 0
        self._over = False

    # The WebSocket's side

    def opened(self, socket: Socket) -> None:
        self.socket = socket
        self._deadline = Deadline(socket, self.close)
        self._context.roster.add(self)
        if (wait := self._context.roster.admit(time.monotonic())) > 0:
            self._dismiss(Close.BUSY, wait)
            return
        self._deadline.await_connect(self._context.desk.rules.connect)
        token, self._token = self._token, None
        if token is not None:
            self._connect(None, token)

    def text(self, message: str) -> None:
        buckets, now = self._context.requests, time.monotonic()
        if buckets is not None and (wait := buckets.take(self.id, now)) > 0:
            self._refuse(message, wait, now)
        elif self._early is None:
            self._receive(message)
        else:
            self._keep(self._early, message)

    def binary(self, message: bytes) -> None:
        self.close(Close.BAD_FRAME, "binary frames are not spoken here")

    def paused(self) -> None:
        self.stalled = True
        if self._conversation is not None:
            self._conversation.rooms.pause()

    def resumed(self) -> None:
        self.stalled = False
        if self._conversation is not None:
            self._conversation.rooms.resume()

    def stuck(self) -> None:
        self._context.roster.figures.slow += 1
        self.close(Close.TOO_SLOW)

    def closed(self, code: int, reason: str) -> None:
        self._leave()
        self._context.roster.remove(self)

    # The hub's side

    def lost(self, room: str) -> None:
        self.close(Close.HISTORY_CHANGED, room)

    def failed(self) -> None:
        self._leave()
        self.socket.close(INTERNAL_ERROR)

    def degraded(self) -> None:
        if self._conversation is not None:
            self.socket.send(native.DEGRADED)

    def restored(self) -> None:
        if self._conversation is not None:
            self.socket.send(native.RESTORED)

    def retire(self, after: float) -> None:
        if self._conversation is not None:
            self._conversation.rooms.flush()
        self._dismiss(Close.RESUME_ELSEWHERE, after)

    def _dismiss(self, code: Close, after: float) -> None:
        self.socket.send(native.closing(code, code.meaning, after))
        self.close(code)

    def close(self, code: Close, reason: str = "") -> None:
        self._leave()
        self.socket.close(code, reason or code.meaning)

    def _leave(self) -> None:
        self._over = True
        self._deadline.cancel()
        if self._conversation is not None:
            self._conversation.leave()

    # Who is there

    def _connect(self, id: int | None, token: str) -> None:  # noqa: A002
        if self._conversation is not None:
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
            self._context.desk.tasks.spawn(self._verify(id, token), self.failed)

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
        self._conversation = Conversation(self, caller, self._device, context.desk, context.readers)
        self._deadline.await_expiry(caller.expires, context.desk.rules.expiry_warning)
        self.socket.send(native.connected(id, self.id, caller.user, context.desk.rules.ping))
        if context.roster.degraded:
            self.socket.send(native.DEGRADED)
        early, self._early = self._early or (), None
        for message in early:
            self._receive(message)

    async def _refresh(self, request: Refresh, conversation: Conversation) -> None:
        """The old token goes on to count if the new one cannot."""
        try:
            caller = await self._context.verifier.verify(request.token)
        except InvalidToken as reason:
            self.socket.send(native.error(request.id, "invalid_token", str(reason)))
            return
        if caller.user != conversation.caller.user:
            self.socket.send(native.error(request.id, "invalid_token", "the token is another user's"))
            return
        if not self._over:
            left = self._deadline.await_expiry(caller.expires, self._context.desk.rules.expiry_warning)
            self.socket.send(native.refreshed(request.id, left))
            conversation.refresh(caller)

    def _keep(self, early: list[str], message: str) -> None:
        self._early_size += len(message)
        if self._early_size > self._context.desk.rules.early:
            self.close(Close.TOO_MANY_REQUESTS)
        else:
            early.append(message)

    # Requests

    def _receive(self, message: str) -> None:
        if self._over:
            return
        try:
            self._carry_out(receive(message))
        except BadRequest as bad:
            self.socket.send(native.error(bad.id, "invalid_request", str(bad)))
        except BadFrame as bad:
            self.close(Close.BAD_FRAME, str(bad))

    def _carry_out(self, request: Request) -> None:
        conversation = self._conversation
        if isinstance(request, Connect):
            self._device = request.device or self._device
            self._connect(request.id, request.token)
        elif conversation is None:
            self.close(Close.NOT_CONNECTED)
        elif isinstance(request, Refresh):
            self._context.desk.tasks.spawn(self._refresh(request, conversation), self.failed)
        else:
            conversation.carry_out(request)

    def _refuse(self, request: str, wait: float, now: float) -> None:
        if self._context.refusals.take(self.id, now) > 0:
            self.close(Close.TOO_MANY_REQUESTS)
            return
        try:
            id = identify(request)  # noqa: A001
        except BadFrame as bad:
            self.close(Close.BAD_FRAME, str(bad))
            return
        message = "this connection asks too often; the request was not carried out"
        self.socket.send(native.error(id, "too_many_requests", message, retryAfter=round(wait, 3)))
