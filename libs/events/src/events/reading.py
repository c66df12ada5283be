"""Reading the whole stream, page by page, for whoever compares it with the log.

Pages come by batched direct get (ADR-31 of nats-architecture-and-design): any copy of the stream may answer,
and one that lags is asked again until it has what the leader had when reading began.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from events import subjects
from events.client import Client, describe
from events.gathering import GOT_ALL, gather
from events.record import Record, received
from events.stream import StreamError

PAGE = 1_000
"""Messages asked for at once; more are no faster."""

PAGE_BYTES = 8 << 20
"""Of messages asked for at once, so that large ones do not fill the memory."""

DIRECT_GET = f"$JS.API.DIRECT.GET.{subjects.STREAM}"

SECONDS = 5.0
"""For the stream to answer, and for a copy of it to catch up with its leader."""

PAUSE = 0.1
"""Seconds until a copy that lags is asked again."""


class NoStream(StreamError):
    """There is no stream of events."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the stream, whatever it is."""

    sequence: int
    stored: datetime
    """When the stream took it, by its own clock."""
    subject: str
    headers: Mapping[str, str]
    data: bytes

    def record(self) -> Record:
        """Raise `ValueError` if it was not published as one."""
        return received(self.subject, self.headers, self.data)


@asynccontextmanager
async def reading(
    url: str, *, user: str | None = None, password: str | None = None
) -> AsyncIterator["Reader"]:
    """A connection of its own, which does not come back once it breaks. Raise `StreamError`."""
    client = Client()
    login: dict[str, Any] = {"user": user, "password": password} if user else {}
    try:
        async with asyncio.timeout(SECONDS):
            await client.connect(
                url, name="parley reading", allow_reconnect=False, error_cb=_ignored, **login
            )
    except (OSError, NatsError) as error:
        raise StreamError(f"cannot connect to NATS: {describe(error)}") from error
    try:
        yield Reader(client)
    finally:
        await client.close()


async def _ignored(_: Exception) -> None:
    """What goes wrong is raised where it is met; by itself nats-py logs it once more."""


class Reader:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def max_age(self) -> float | None:
        """Seconds for which the stream keeps a message; `None` for ever. Raise `NoStream`, `StreamError`."""
        try:
            info = await self._client.jsm(timeout=SECONDS).stream_info(subjects.STREAM)
        except NotFoundError as error:
            raise NoStream(f"the stream {subjects.STREAM} does not exist") from error
        except (NatsError, TimeoutError) as error:
            raise StreamError(f"the stream does not answer: {describe(error)}") from error
        return info.config.max_age or None

    async def pages(self, app: str, *, most: int = PAGE) -> AsyncGenerator[tuple[list[Message], int]]:
        """All messages of the app, in order: a page, and how many come after it. Raise `StreamError`."""
        last = await self._last(app)
        position = 0
        while position < last:
            wanted = {"next_by_subj": subjects.events(app), "seq": position + 1, "batch": most}
            page, rest = await self._page(json.dumps({**wanted, "max_bytes": PAGE_BYTES}))
            position = page[-1].sequence
            yield page, rest

    async def _last(self, app: str) -> int:
        """The sequence of the app's newest message, as the stream's leader says; 0 if there is none."""
        try:
            message = await self._client.jsm(timeout=SECONDS).get_last_msg(
                subjects.STREAM, subjects.events(app), direct=False
            )
        except NotFoundError:
            return 0
        except (NatsError, TimeoutError) as error:
            raise StreamError(f"the stream does not answer: {describe(error)}") from error
        return message.seq or 0

    async def _page(self, wanted: str) -> tuple[list[Message], int]:
        """What a copy of the stream has; waited for while it lags behind the leader."""
        until = asyncio.get_running_loop().time() + SECONDS
        while (left := until - asyncio.get_running_loop().time()) > 0:
            answer = await gather(self._client, DIRECT_GET, wanted.encode(), left)
            if answer.status and answer.status not in GOT_ALL:
                raise StreamError(f"the stream refuses to be read: status {answer.status}")
            if answer.status and answer.messages:
                return list(map(_message, answer.messages)), int(answer.headers.get("Nats-Num-Pending", 0))
            await asyncio.sleep(PAUSE)
        raise StreamError(f"the stream has not answered for {SECONDS:g} s")


_OWN = frozenset(
    f"Nats-{name}" for name in ("Stream", "Subject", "Sequence", "Time-Stamp", "Num-Pending", "Last-Sequence")
)
"""Headers that the stream adds to what was published."""


def _message(message: Msg) -> Message:
    headers = message.headers or {}
    return Message(
        sequence=int(headers["Nats-Sequence"]),
        stored=datetime.fromisoformat(headers["Nats-Time-Stamp"]),
        subject=headers["Nats-Subject"],
        headers={name: value for name, value in headers.items() if name not in _OWN},
        data=message.data,
    )
