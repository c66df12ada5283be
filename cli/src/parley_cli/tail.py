"""`parley post` and `parley tail`: the Python SDK from a shell."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from parley import Client, Cursor, Event, ParleyError, Resync
from parley_cli.failures import Failed

T = TypeVar("T")


def post(url: str, token: str, room: str, body: str, key: str | None) -> str:
    """Where the comment went. Raise `Failed`."""
    return _run(_post(url, token, room, body, key))


def tail(url: str, token: str, room: str, since: Cursor | None, show: Callable[[str], None]) -> None:
    """Show every event of the room until interrupted. Raise `Failed`."""
    _run(_tail(url, token, room, since, show))


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except (ParleyError, ValueError) as error:
        raise Failed(str(error)) from error


async def _post(url: str, token: str, room: str, body: str, key: str | None) -> str:
    async with Client(url, token) as client:
        comment = await client.post(room, body, key)
        return f"{comment['room']} {comment['offset']} {comment['id']}"


async def _tail(url: str, token: str, room: str, since: Cursor | None, show: Callable[[str], None]) -> None:
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
