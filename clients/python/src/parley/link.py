"""One WebSocket for all of a client's rooms, opened again whenever it is lost."""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from parley.api import Token, fetch
from parley.backoff import Backoff
from parley.errors import Closed, ParleyError, ProtocolError, Refused
from parley.feed import Feed
from parley.protocol import (
    Connected,
    Failed,
    Frame,
    Pushed,
    Request,
    Subscribe,
    Subscribed,
    Unsubscribe,
    encode,
    may_reconnect,
    parse,
)
from parley.retry import Verdict, verdict

STEADY = 10.0
"""Seconds that a connection must last before the next loss counts as the first: a server that accepts and
closes at once must not be asked again without backoff."""

OPENING = 10.0
"""Seconds for TCP, TLS, the upgrade, and then again for the server's `connected`."""

LOST = 1006
"""RFC 6455 section 7.4.1: the connection ended without a close frame."""

CLOSING = 2.0
"""Seconds to wait for the server's half of the closing handshake."""

log = logging.getLogger("parley")


class Link:
    def __init__(self, url: str, token: Token, backoff: Backoff, random: Callable[[], float]) -> None:
        self._url = url
        self._token = token
        self._backoff = backoff
        self._random = random
        self._feeds: dict[str, Feed] = {}
        self._ids = itertools.count(1)
        self._requests: asyncio.Queue[Request] = asyncio.Queue()
        self._running: asyncio.Task[None] | None = None

    def join(self, feed: Feed) -> None:
        """Raise `ValueError` if the room has a feed already: the server knows a room once per connection."""
        if feed.room in self._feeds:
            raise ValueError(f"already subscribed to {feed.room}")
        self._feeds[feed.room] = feed
        self._subscribe(feed)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
            self._running.add_done_callback(self._ended)

    def leave(self, feed: Feed) -> None:
        feed.close()
        if self._feeds.get(feed.room) is feed:
            del self._feeds[feed.room]
            self._requests.put_nowait(Unsubscribe(next(self._ids), feed.room))

    async def close(self) -> None:
        for feed in list(self._feeds.values()):
            self.leave(feed)
        if (running := self._running) is not None:
            running.cancel()
            await asyncio.wait([running])

    def _subscribe(self, feed: Feed) -> None:
        feed.awaited = next(self._ids)
        self._requests.put_nowait(Subscribe(feed.awaited, feed.room, feed.cursor))

    async def _run(self) -> None:
        """Never returns; raises what ends it for good."""
        clock = asyncio.get_running_loop().time
        attempt = 0
        while True:
            began = clock()
            try:
                await self._converse()
            except (OSError, ConnectionClosed, InvalidHandshake, ProtocolError) as trouble:
                if (end := final(trouble)) is not None:
                    raise end from trouble
                log.info("connection lost, trying again: %s", trouble)
            attempt = 0 if clock() - began > STEADY else attempt
            await asyncio.sleep(self._backoff.delay(attempt, self._random()))
            attempt += 1

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running = None
        error = None if task.cancelled() else task.exception()
        feeds, self._feeds = self._feeds, {}
        for feed in feeds.values():
            if isinstance(error, Exception):
                feed.fail(error)
            else:
                feed.close()

    async def _converse(self) -> None:
        """One connection, from the handshake to its loss, which is raised."""
        headers = {"Authorization": f"Bearer {await fetch(self._token)}"}
        async with connect(
            self._url, additional_headers=headers, open_timeout=OPENING, close_timeout=CLOSING
        ) as socket:
            await _greeting(socket)
            self._requests = asyncio.Queue()
            for feed in self._feeds.values():
                self._subscribe(feed)
            writing = asyncio.create_task(_write(socket, self._requests))
            try:
                while True:
                    await self._receive(parse(await socket.recv()))
            finally:
                writing.cancel()

    async def _receive(self, frame: Frame) -> None:
        match frame:
            case Subscribed(id, room):
                feed = self._feeds.get(room)
                if feed is not None and feed.awaited == id:
                    await feed.subscribed(frame)
            case Pushed(event):
                feed = self._feeds.get(event.room)
                if feed is not None and not await feed.pushed(event):
                    self._resubscribe(feed)
            case Failed():
                self._fail(frame)

    def _resubscribe(self, feed: Feed) -> None:
        self._requests.put_nowait(Unsubscribe(next(self._ids), feed.room))
        self._subscribe(feed)

    def _fail(self, failed: Failed) -> None:
        """A refused room ends its subscription; the others go on."""
        feed = self._asking(failed.id)
        if feed is None:
            self._unasked(failed)
        elif failed.passing:
            delay = max(failed.after, self._backoff.delay(feed.refusals, self._random()))
            feed.refusals += 1
            asyncio.get_running_loop().call_later(delay, self._again, feed, failed.id)
        else:
            del self._feeds[feed.room]
            feed.fail(Refused(None, failed.code, failed.message))

    def _asking(self, request: int | None) -> Feed | None:
        """The feed that waits for the answer to this request."""
        feeds = self._feeds.values()
        return next((feed for feed in feeds if feed.awaited == request), None) if request else None

    def _unasked(self, failed: Failed) -> None:
        if failed.passing:  # the request was not read, so any may have been refused: ask for all again
            raise ConnectionAbortedError(f"{failed.code}: {failed.message}")
        log.warning("the server reports %s: %s", failed.code, failed.message)

    def _again(self, feed: Feed, refused: int | None) -> None:
        """Unless the reader left, or a new connection asked already."""
        if self._feeds.get(feed.room) is feed and feed.awaited == refused:
            self._subscribe(feed)


async def _greeting(socket: ClientConnection) -> None:
    """The token went with the handshake, so the server speaks first."""
    async with asyncio.timeout(OPENING):
        while not isinstance(parse(await socket.recv()), Connected):
            pass


async def _write(socket: ClientConnection, requests: asyncio.Queue[Request]) -> None:
    with contextlib.suppress(ConnectionClosed):  # the reading side meets the same end, and reports it
        while True:
            await socket.send(encode(await requests.get()))


def final(trouble: Exception) -> ParleyError | None:
    """The error that ends the link, or None if a new connection may go better."""
    match trouble:
        case ConnectionClosed(rcvd=rcvd, sent=sent):
            close = rcvd or sent
            code, reason = (close.code, close.reason) if close else (LOST, "")
            return None if may_reconnect(code) else Closed(code, reason)
        case InvalidStatus(response=response) if verdict(response.status_code) is Verdict.REFUSED:
            return Refused(
                response.status_code, response.reason_phrase, (response.body or b"").decode()[:200]
            )
        case _:
            return None
