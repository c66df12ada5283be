"""Parley's asyncio SDK.

    import asyncio
    from parley import Client, Resync

    async def main() -> None:
        async with Client("http://127.0.0.1:8000", token="eyJ…") as client:
            async with client.subscribe("lobby") as events:
                await client.post("lobby", "hello")
                async for event in events:
                    if isinstance(event, Resync):
                        show(await client.history("lobby"))
                    elif event.type == "comment.posted":
                        print(event.offset, event.actor, event.data["body"])

    asyncio.run(main())

A subscription yields every event of its room once, in order. A lost connection is opened again with
jittered backoff and resumed after the last event; nothing is seen of it but a pause. Only what cannot be
resumed is seen: a `Resync` among the events. To go on after a restart, keep `events.cursor` and pass it as
`since`.

A server that stops or is busy says when to come back, and is obeyed. One that gets no live events for a while
says so: `client.degraded` is true, and `on_degraded` is told.

`post` repeats itself under one key until the server has the comment, refuses it (`Refused`), or time is up
(`GaveUp`).
"""

from parley.api import Token
from parley.backoff import Backoff
from parley.client import Client
from parley.cursor import Cursor
from parley.errors import Closed, GaveUp, ParleyError, ProtocolError, Refused
from parley.events import Comment, Event, Mention, Page, Resync, Version
from parley.subscription import Subscription

__all__ = [
    "Client",
    "Subscription",
    "Event",
    "Resync",
    "Cursor",
    "Comment",
    "Mention",
    "Page",
    "Version",
    "Backoff",
    "Token",
    "ParleyError",
    "Refused",
    "Closed",
    "GaveUp",
    "ProtocolError",
]
