"""One stream of server-sent events: a connection in one room, over ASGI."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import Receive, Send

from chassis.auth import Identity
from chassis.wheel import Wheel
from events import NoAnswer, StreamError
from fanout import sse
from fanout.closes import Close
from fanout.conversation import Desk
from fanout.frames import INTERNAL_ERROR
from fanout.members import Joined, Member
from fanout.requests import Position
from fanout.roster import Roster
from fanout.sockets import Limits
from fanout.whereabouts import lease

PIECE = 65_536
"""Bytes that are joined and handed to the server at once: as many as it takes before it lets us wait."""

TRY_AGAIN_LATER: Final = 1013
"""Of the registered close codes, which streams have in common with sockets."""

FULL_SECONDS = 5.0
"""Until somebody may come back for whom there was no room."""


@dataclass(frozen=True, slots=True)
class Context:
    """What all streams of a process share."""

    desk: Desk
    roster: Roster
    limits: Limits
    """Of a socket; a stream has `write_high` and `ping` in common with it."""
    expiry_warning: float
    """Seconds before a token's end at which the client is told."""
    wheel: Wheel


class Stream:
    """A `Sink` of the hub, and the `Outlet` that it writes to; ends when it has said that it is `closing`."""

    __slots__ = (
        "_caller",
        "_context",
        "_member",
        "_over",
        "_retry",
        "_since",
        "_spoke",
        "_timer",
        "_waiting",
        "_woken",
        "buffered",
        "id",
        "slot",
        "stalled",
    )

    def __init__(
        self,
        id: str,  # noqa: A002
        room: str,
        since: Position | None,
        caller: Identity,
        retry: float,
        context: Context,
    ) -> None:
        """`retry` is in seconds."""
        self.id = id
        self.stalled = False
        self.buffered = 0
        self.slot = 0
        self._context = context
        self._member = Member(self, sse.ENCODING, room)
        self._since = since
        self._caller = caller
        self._retry = retry
        self._waiting: list[bytes] = []
        self._woken = asyncio.Event()
        self._over = False
        self._timer: asyncio.TimerHandle | None = None
        self._spoke = context.wheel.now

    @property
    def socket(self) -> "Stream":
        return self

    async def run(self, receive: Receive, send: Send) -> None:
        """Send a response's body, from its beginning to its end."""
        roster, wheel = self._context.roster, self._context.wheel
        full = roster.full
        roster.add(self)
        leaving = asyncio.create_task(self._wait_for_leave(receive))
        try:
            self._begin(full)
            await self._pump(send)
        finally:
            leaving.cancel()
            wheel.forget(self)
            self._leave()
            roster.remove(self)

    # What comes in

    def _begin(self, full: bool) -> None:
        roster = self._context.roster
        if roster.draining:
            self.retire(self._retry)
        elif full:
            self._close(TRY_AGAIN_LATER, "This server has no room for more.", FULL_SECONDS)
        elif (wait := roster.admit(time.monotonic())) > 0:
            self._close(Close.BUSY, Close.BUSY.meaning, wait)
        else:
            self._welcome()

    def _welcome(self) -> None:
        self.write(sse.retry(self._retry))
        if self._context.roster.degraded:
            self.degraded()
        left = max(0.0, self._caller.expires - time.time())
        ahead = min(self._context.expiry_warning, left / 2)
        self._later(left - ahead, self._warn, ahead)
        self._context.wheel.wait(self, self._context.limits.ping)
        self._context.desk.tasks.spawn(self._join(), self.failed)

    async def _join(self) -> None:
        try:
            await self._context.desk.hub.join(self._member, self._since, self._joined)
        except (NoAnswer, StreamError):
            self._close(TRY_AGAIN_LATER, "The room cannot be read now.", self._retry)

    def _joined(self, at: Joined) -> None:
        since, room = self._since if at.recovered else None, self._member.room
        head = Position(at.epoch, at.offset)
        self.write(sse.subscribed(room, head, since=since, presence=at.presence, receipts=at.receipts))
        self._context.desk.heartbeats.hold(self.id, lease(self._caller, [room], datetime.now(UTC)))

    async def _wait_for_leave(self, receive: Receive) -> None:
        with suppress(HTTPException):  # whoever sends a body that is too large is let go, too
            while (await receive())["type"] != "http.disconnect":
                pass
        self._end()
        self._waiting.clear()

    # What goes out

    def write(self, frames: bytes, /) -> None:
        """Nothing is written once the stream is closing."""
        if self._over:
            return
        self._waiting.append(frames)
        self.buffered += len(frames)
        self._spoke = self._context.wheel.now
        self._woken.set()
        if self.buffered > self._context.limits.write_high and not self.stalled:
            self.stalled = True
            self._context.desk.hub.pause(self._member)

    async def _pump(self, send: Send) -> None:
        """The server lets `send` wait while the client does not take what it was sent."""
        while self._waiting or not self._over:
            if self._waiting:
                piece = self._take()
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                self._taken(len(piece))
            else:
                self._woken.clear()
                await self._woken.wait()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _take(self) -> bytes:
        size = count = 0
        while size < PIECE and count < len(self._waiting):
            size += len(self._waiting[count])
            count += 1
        piece = b"".join(self._waiting[:count])
        del self._waiting[:count]
        return piece

    def _taken(self, size: int) -> None:
        self.buffered -= size
        if self.stalled and self.buffered <= self._context.limits.write_high // 4:
            self.stalled = False
            self._context.desk.hub.resume(self._member)

    def due(self) -> None:
        """The wheel's call: now and then a line, for whatever on the way cuts what is silent."""
        limits, wheel = self._context.limits, self._context.wheel
        idle = wheel.since(self._spoke)
        if idle >= limits.ping and not self._waiting:
            self.write(sse.HEARTBEAT)
        wheel.wait(self, limits.ping - idle if idle < limits.ping else limits.ping)

    # The end

    def _later(self, seconds: float, then: Callable[..., None], *arguments: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, then, *arguments)

    def _warn(self, left: float) -> None:
        self.write(sse.expiring(left))
        self._later(left, self._expire)

    def _expire(self) -> None:
        self._close(Close.TOKEN_EXPIRED, Close.TOKEN_EXPIRED.meaning)

    def lost(self, room: str) -> None:
        self._close(Close.HISTORY_CHANGED, Close.HISTORY_CHANGED.meaning, self._retry)

    def failed(self) -> None:
        self._close(INTERNAL_ERROR, "The server failed.", self._retry)

    def degraded(self) -> None:
        self.write(sse.DEGRADED)

    def restored(self) -> None:
        self.write(sse.RESTORED)

    def retire(self, after: float) -> None:
        self._context.desk.hub.flush(self._member)
        self._close(Close.RESUME_ELSEWHERE, Close.RESUME_ELSEWHERE.meaning, after)

    def _close(self, code: int, message: str, after: float | None = None) -> None:
        self.write(sse.closing(code, message, after))
        self._end()

    def _end(self) -> None:
        """What waits is still sent."""
        self._over = True
        self._leave()
        self._woken.set()

    def _leave(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._context.desk.heartbeats.drop(self.id)
        self._context.desk.hub.leave(self._member)
