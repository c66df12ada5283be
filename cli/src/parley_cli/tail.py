"""`parley post` and `parley tail`: the Python SDK from a shell."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from parley import Client, Cursor, Event, ParleyError, Resync
from parley_cli.failures import Failed

T = TypeVar("T")


Show = Callable[[str], None]

PATIENCE = 1.5
"""Seconds after which somebody who waits is told for what."""


def post(url: str, token: str, room: str, body: str, key: str | None, say: Show) -> str:
    """Where the comment went; `say` gets a line if that takes long. Raise `Failed`."""
    return _run(_post(url, token, room, body, key, say))


def tail(url: str, token: str, room: str, since: Cursor | None, show: Show, say: Show) -> None:
    """Show every event of the room until interrupted; `say` gets what becomes of the connection.

    Raise `Failed`.
    """
    logger = logging.getLogger("parley")
    logger.setLevel(logging.INFO)
    logger.addHandler(_Saying(say))
    _run(_tail(url, token, room, since, show))


class _Saying(logging.Handler):
    """The SDK's log, as lines for the person at the terminal."""

    def __init__(self, say: Show) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(record.getMessage())


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except (ParleyError, ValueError) as error:
        raise Failed(str(error)) from error


async def _post(url: str, token: str, room: str, body: str, key: str | None, say: Show) -> str:
    waiting = asyncio.get_running_loop().call_later(PATIENCE, say, f"waiting for {url}; Ctrl-C gives up")
    async with Client(url, token) as client:
        comment = await client.post(room, body, key)
        waiting.cancel()
        return f"{comment['room']} {comment['offset']} {comment['id']}"


async def _tail(url: str, token: str, room: str, since: Cursor | None, show: Show) -> None:
    async with Client(url, token) as client, client.subscribe(room, since) as events:
        async for event in events:
            show(line(event))


def line(event: Event | Resync) -> str:
    """One line for a terminal: what people wrote is escaped, so that it cannot steer the terminal."""
    if isinstance(event, Resync):
        return f"— history before {event.offset} (epoch {event.epoch}) cannot be replayed —"
    what = event.data.get("body") or event.data.get("user") or event.data.get("comment") or ""
    text = "".join(char if char.isprintable() else repr(char)[1:-1] for char in str(what))
    return f"{event.at:%H:%M:%S}  {event.offset:>6}  {event.type:<16}  {event.actor:<12}  {text}"


def position(text: str) -> Cursor:
    """`EPOCH:OFFSET`. Raise `Failed`."""
    epoch, _, offset = text.rpartition(":")
    if not epoch or not offset.isdecimal():
        raise Failed(f"{text!r} is not EPOCH:OFFSET, such as 2a449558fedc:41")
    return Cursor(epoch, int(offset))
