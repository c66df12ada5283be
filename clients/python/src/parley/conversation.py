"""One connection, from the server's greeting to its loss: what it asks for, and what it brings the feeds."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from parley.errors import Refused
from parley.feed import Feed
from parley.protocol import (
    Closing,
    Connected,
    Expiring,
    Failed,
    Frame,
    Health,
    Other,
    Pushed,
    Refresh,
    Request,
    Subscribe,
    Subscribed,
    Unsubscribe,
    encode,
    parse,
)
from parley.renewal import Renewal

OPENING = 10.0
"""Seconds for TCP, TLS, the upgrade, and then again for the server's `connected`."""

log = logging.getLogger("parley")


class Conversation:
    """Every request is repeated until it is answered for good; only the refused one waits."""

    def __init__(
        self,
        feeds: dict[str, Feed],
        ids: Iterator[int],
        pause: Callable[[int, float], float],
        health: Callable[[bool], None],
    ) -> None:
        self.told: float | None = None
        """Seconds after which the server, closing, wants to see us again."""
        self.greeted: float | None = None
        """When the server has let us in, by the loop's clock."""
        self._feeds = feeds
        self._ids = ids
        self._pause = pause
        self._health = health
        self._requests: asyncio.Queue[Request] = asyncio.Queue()
        self._asked: dict[int, Request] = {}
        self._refreshing: dict[int, asyncio.Future[Failed | None]] = {}

    async def greet(self, socket: ClientConnection) -> None:
        """The token went with the handshake, so the server speaks first."""
        async with asyncio.timeout(OPENING):
            while not isinstance(frame := parse(await socket.recv()), Connected):
                if isinstance(frame, Closing):
                    self.told = frame.after
        self.greeted = asyncio.get_running_loop().time()

    async def run(self, socket: ClientConnection, renewal: Renewal) -> None:
        """Never returns; raises how the connection ended."""
        for feed in self._feeds.values():
            self.subscribe(feed)
        writing = asyncio.create_task(_write(socket, self._requests))
        try:
            while True:
                await self._receive(parse(await socket.recv()), renewal)
        finally:
            writing.cancel()
            renewal.end()

    def subscribe(self, feed: Feed) -> None:
        feed.awaited = next(self._ids)
        self._ask(Subscribe(feed.awaited, feed.room, feed.cursor))

    def unsubscribe(self, room: str) -> None:
        self._ask(Unsubscribe(next(self._ids), room))

    async def refresh(self, token: str) -> Failed | None:
        """Present a new token; None if the server takes it."""
        request = Refresh(next(self._ids), token)
        answer: asyncio.Future[Failed | None] = asyncio.get_running_loop().create_future()
        self._refreshing[request.id] = answer
        self._ask(request)
        return await answer

    def _ask(self, request: Request) -> None:
        self._asked[request.id] = request
        self._requests.put_nowait(request)

    async def _receive(self, frame: Frame, renewal: Renewal) -> None:
        match frame:
            case Pushed(event):
                feed = self._feeds.get(event.room)
                if feed is not None and not await feed.pushed(event):
                    self._resubscribe(feed)
            case Subscribed(id, room):
                self._asked.pop(id, None)
                feed = self._feeds.get(room)
                if feed is not None and feed.awaited == id:
                    await feed.subscribed(frame)
            case Failed():
                self._failed(frame)
            case Health(degraded):
                self._health(degraded)
            case Closing(after):
                self.told = after
            case Expiring():
                renewal.begin()
            case Other(_, int(id)):
                self._answered(self._asked.pop(id, None))

    def _answered(self, request: Request | None) -> None:
        if isinstance(request, Refresh):
            self._refreshing.pop(request.id).set_result(None)

    def _failed(self, failed: Failed) -> None:
        match self._asked.pop(failed.id, None) if failed.id is not None else None:
            case Subscribe(id, room):
                feed = self._feeds.get(room)
                if feed is not None and feed.awaited == id:
                    self._not_subscribed(feed, id, failed)
            case Unsubscribe(_, room):
                if failed.passing:
                    self._later(0, failed, lambda: self._left(room))
            case Refresh(id):
                self._refreshing.pop(id).set_result(failed)
            case None:
                self._unasked(failed)

    def _not_subscribed(self, feed: Feed, id: int, failed: Failed) -> None:  # noqa: A002
        """A refused room ends its subscription; the others go on."""
        left = failed.code != "subscribed_already"
        if left and not failed.passing:
            self._refused(feed, failed)
            return

        def again() -> None:
            """Unless the reader left, or a new connection asked already."""
            if self._feeds.get(feed.room) is feed and feed.awaited == id:
                (self.subscribe if left else self._resubscribe)(feed)

        self._later(feed.refusals, failed, again)
        feed.refusals += 1

    def _left(self, room: str) -> None:
        """Nothing, if somebody has come back meanwhile."""
        if room not in self._feeds:
            self.unsubscribe(room)

    def _resubscribe(self, feed: Feed) -> None:
        self.unsubscribe(feed.room)
        self.subscribe(feed)

    def _refused(self, feed: Feed, failed: Failed) -> None:
        del self._feeds[feed.room]
        feed.fail(Refused(None, failed.code, failed.message))

    def _unasked(self, failed: Failed) -> None:
        feed = self._feeds.get(failed.room) if failed.room is not None else None
        if feed is not None and failed.code == "forbidden":
            self._refused(feed, failed)
        elif failed.passing:  # the request was not read, so any may have been refused: ask for all again
            raise ConnectionAbortedError(f"{failed.code}: {failed.message}")
        else:
            log.warning("the server reports %s: %s", failed.code, failed.message)

    def _later(self, attempt: int, failed: Failed, again: Callable[[], object]) -> None:
        asyncio.get_running_loop().call_later(self._pause(attempt, failed.after), again)


async def _write(socket: ClientConnection, requests: asyncio.Queue[Request]) -> None:
    with contextlib.suppress(ConnectionClosed):  # the reading side meets the same end, and reports it
        while True:
            await socket.send(encode(await requests.get()))
