"""The client: HTTP for what changes something, one WebSocket for what happens."""

import random
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import uuid4

import httpx

from parley.api import Api, Token
from parley.backoff import Backoff
from parley.cursor import Cursor
from parley.events import Comment, Page, Version
from parley.feed import Feed
from parley.link import Link
from parley.subscription import Subscription

ATTEMPT = 10.0
"""Seconds for one HTTP attempt, before the next one is made within the caller's patience."""


class Client:
    """One person's access to one Parley server.

    Nothing is connected before the first request or subscription.

    Args:
        url: `http(s)://host[:port][/prefix]` of the server.
        token: a JWT, or an async callable that returns one, asked before every request and every connection,
            and when the connection's token is about to expire: the connection then goes on with the new one.
        patience: seconds that a request may take with all its repetitions.
        backlog: how many unread events a subscription holds. While one is full the socket is not read, for
            any of its rooms: read each subscription in a task of its own, and give a reader that may stop
            for long a client of its own.
        on_degraded: told True when live events stop reaching the server, so that they come late though the
            connection stands and posts are accepted; and False when they flow again and nothing is missing.
    """

    def __init__(
        self,
        url: str,
        token: Token,
        *,
        patience: float = 30.0,
        backlog: int = 1000,
        backoff: Backoff = Backoff(),  # noqa: B008  frozen
        random: Callable[[], float] = random.random,
        on_degraded: Callable[[bool], None] | None = None,
    ) -> None:
        self._backlog = backlog
        self._http = httpx.AsyncClient(base_url=url, timeout=ATTEMPT)
        self._api = Api(self._http, token, backoff, random, patience)
        self._link = Link(socket_url(url), token, backoff, random, on_degraded)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """End every subscription and close every connection."""
        await self._link.close()
        await self._http.aclose()

    @property
    def degraded(self) -> bool:
        """Whether the server says that live events come late for now; see `on_degraded`."""
        return self._link.degraded

    def subscribe(self, room: str, since: Cursor | None = None) -> Subscription:
        """The room's events from now on, or all that follow `since`.

        Raise `ValueError` if this client is subscribed to the room already.
        """
        feed = Feed(room, since, self._backlog)
        self._link.join(feed)
        return Subscription(feed, self._link.leave)

    async def post(
        self,
        room: str,
        body: str,
        client_id: str | None = None,
        *,
        image_meta: dict[str, Any] | None = None,
        video_meta: dict[str, Any] | None = None,
        urgent: bool = False,
    ) -> Comment:
        """Post once, however often it has to be sent: every repetition carries the same `client_id`.

        Return the comment once the server has it durably. Raise `Refused`; or, after `patience` seconds,
        `GaveUp`: it may or may not be posted, and the same `client_id` and body may be sent again.
        Quiet hours do not hold back the pushes of an `urgent` one, which only moderators may post.
        """
        draft = {
            "body": body,
            "clientId": client_id or uuid4().hex,
            "imageMeta": image_meta,
            "videoMeta": video_meta,
            "urgent": urgent or None,
        }
        fields = {name: value for name, value in draft.items() if value is not None}
        return cast("Comment", await self._api.call("POST", _comments(room), body=fields))

    async def history(
        self, room: str, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> Page:
        """Up to `limit` (at most 100) comments before or after an offset; without, the newest."""
        bounds = {"limit": limit, "before": before, "after": after}
        query = {name: value for name, value in bounds.items() if value is not None}
        return cast("Page", await self._api.call("GET", _comments(room), query=query))

    async def comment(self, comment: str) -> Comment:
        """The comment with this id, as it is now."""
        return cast("Comment", await self._api.call("GET", _comment(comment)))

    async def edit(self, comment: str, body: str) -> Comment:
        """Give the comment a new body. `Refused` unless the caller wrote it or may moderate the room."""
        return cast("Comment", await self._api.call("PATCH", _comment(comment), body={"body": body}))

    async def remove(self, comment: str) -> None:
        """Delete the comment; its place in the room stays. `Refused` as for `edit`."""
        await self._api.call("DELETE", _comment(comment))

    async def history_of(self, comment: str) -> list[Version]:
        """Every version of the comment, oldest first."""
        answer = await self._api.call("GET", f"{_comment(comment)}/history")
        return cast("list[Version]", answer["versions"])


def socket_url(url: str) -> str:
    """Where the socket of the server at `url` is. Raise `ValueError` unless it is an http or https URL."""
    parts = urlsplit(url)
    if parts.scheme not in _SOCKET_SCHEMES or not parts.hostname:
        raise ValueError(f"not an http or https URL: {url!r}")
    return urlunsplit(
        (_SOCKET_SCHEMES[parts.scheme], parts.netloc, f"{parts.path.rstrip('/')}/v1/ws", "", "")
    )


_SOCKET_SCHEMES = {"http": "ws", "https": "wss"}


def _comments(room: str) -> str:
    return f"/v1/rooms/{quote(room, safe='')}/comments"


def _comment(comment: str) -> str:
    return f"/v1/comments/{quote(comment, safe='')}"
