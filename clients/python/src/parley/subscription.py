"""The reader's end of a subscription."""

import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Self

from parley.cursor import Cursor
from parley.events import Event, Resync
from parley.feed import Feed


class Subscription:
    """A room's events, each once and in order, over any number of connections.

        async with client.subscribe("lobby") as subscription:   # waits until the server has confirmed
            async for event in subscription:
                ...

    Reading raises `Refused` without the right to read the room, also when it is withdrawn later, and `Closed`
    when the server closed the socket for good. A `Resync` among the events says that some were missed: fetch
    the history over HTTP.

    It lasts until it is closed, its client is closed, or nothing refers to it any more.
    """

    def __init__(self, feed: Feed, leave: Callable[[Feed], None]) -> None:
        self._feed = feed
        self._taken: Cursor | None = None
        self._close = weakref.finalize(self, leave, feed)
        self._close.atexit = False

    @property
    def room(self) -> str:
        return self._feed.room

    @property
    def cursor(self) -> Cursor | None:
        """The position of the last event read: keep it, and pass it as `since` to go on from there.

        None until the server's first answer.
        """
        return self._taken or self._feed.start

    @property
    def epoch(self) -> str | None:
        return self.cursor.epoch if self.cursor else None

    @property
    def offset(self) -> int | None:
        return self.cursor.offset if self.cursor else None

    @property
    def recovered(self) -> bool | None:
        """Whether the newest connection resumed without a gap; False for the first one without `since`."""
        return self._feed.recovered

    @property
    def unread(self) -> int:
        """How many events wait to be read, at most the client's `backlog`."""
        return len(self._feed.inbox)

    async def ready(self) -> None:
        """Wait until the server has confirmed: from then on no event of the room is missed."""
        await self._feed.ready()

    def close(self) -> None:
        """Stop receiving. What was received and not read is dropped; reading ends."""
        self._close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event | Resync:
        self._taken, item = await self._feed.inbox.take()
        return item

    async def __aenter__(self) -> Self:
        await self.ready()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        self.close()
