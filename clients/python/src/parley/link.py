"""One WebSocket for all of a client's rooms, opened again whenever it is lost."""

import asyncio
import itertools
import logging
from collections.abc import Callable

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from parley.api import Token, fetch
from parley.backoff import Backoff
from parley.conversation import OPENING, Conversation
from parley.errors import Closed, ParleyError, ProtocolError, Refused
from parley.feed import Feed
from parley.protocol import may_reconnect
from parley.renewal import Renewal
from parley.retry import Verdict, retry_after, verdict

STEADY = 10.0
"""Seconds that a connection must last before the next loss counts as the first: a server that accepts and
closes at once must not be asked again without backoff."""

LOST = 1006
"""RFC 6455 section 7.4.1: the connection ended without a close frame."""

CLOSING = 2.0
"""Seconds to wait for the server's half of the closing handshake."""

log = logging.getLogger("parley")


class Link:
    def __init__(
        self,
        url: str,
        token: Token,
        backoff: Backoff,
        random: Callable[[], float],
        on_degraded: Callable[[bool], None] | None,
    ) -> None:
        self.degraded = False
        self._url = url
        self._token = token
        self._backoff = backoff
        self._random = random
        self._on_degraded = on_degraded
        self._feeds: dict[str, Feed] = {}
        self._ids = itertools.count(1)
        self._conversation: Conversation | None = None
        """The one that can be taken part in; None while there is no connection."""
        self._running: asyncio.Task[None] | None = None

    def join(self, feed: Feed) -> None:
        """Raise `ValueError` if the room has a feed already: the server knows a room once per connection."""
        if feed.room in self._feeds:
            raise ValueError(f"already subscribed to {feed.room}")
        self._feeds[feed.room] = feed
        if self._conversation is not None:
            self._conversation.subscribe(feed)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
            self._running.add_done_callback(self._ended)

    def leave(self, feed: Feed) -> None:
        feed.close()
        if self._feeds.get(feed.room) is feed:
            del self._feeds[feed.room]
            if self._conversation is not None:
                self._conversation.unsubscribe(feed.room)

    async def close(self) -> None:
        for feed in list(self._feeds.values()):
            self.leave(feed)
        if (running := self._running) is not None:
            running.cancel()
            await asyncio.wait([running])

    async def _run(self) -> None:
        """Never returns; raises what ends it for good."""
        clock = asyncio.get_running_loop().time
        attempt = 0
        while True:
            told = None
            conversation = Conversation(self._feeds, self._ids, self._pause, self._tell)
            try:
                await self._converse(conversation)
            except (OSError, ConnectionClosed, InvalidHandshake, ProtocolError) as trouble:
                if (end := final(trouble)) is not None:
                    raise end from trouble
                told = asked_to_wait(trouble) if conversation.told is None else conversation.told
                log.info("connection lost, trying again: %s", trouble)
            if conversation.greeted is not None and clock() - conversation.greeted > STEADY:
                attempt = 0
            await asyncio.sleep(self._pause(attempt, told or 0.0))
            if told is None:  # a server that says when to come back is no failure
                attempt += 1

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running = None
        error = None if task.cancelled() else task.exception()
        feeds = list(self._feeds.values())
        self._feeds.clear()
        for feed in feeds:
            if isinstance(error, Exception):
                feed.fail(error)
            else:
                feed.close()

    async def _converse(self, conversation: Conversation) -> None:
        """One connection, from the handshake to its loss, which is raised."""
        token = await fetch(self._token)
        headers = {"Authorization": f"Bearer {token}"}
        async with connect(
            self._url, additional_headers=headers, open_timeout=OPENING, close_timeout=CLOSING
        ) as socket:
            await conversation.greet(socket)
            self._tell(False)  # a server that is degraded says so again
            self._conversation = conversation
            try:
                await conversation.run(socket, Renewal(self._token, token, conversation.refresh, self._pause))
            finally:
                self._conversation = None

    def _pause(self, attempt: int, after: float) -> float:
        return self._backoff.again(attempt, self._random(), after)

    def _tell(self, degraded: bool) -> None:
        if degraded != self.degraded:
            self.degraded = degraded
            if self._on_degraded is not None:  # not from here: an error in it is not the connection's
                asyncio.get_running_loop().call_soon(self._on_degraded, degraded)


def asked_to_wait(trouble: Exception) -> float | None:
    """Seconds after which the server, refusing the upgrade, wants to see us again, if it says so."""
    if not isinstance(trouble, InvalidStatus):
        return None
    given = trouble.response.headers.get_all("Retry-After")
    return retry_after(given[0] if given else None) or None


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
