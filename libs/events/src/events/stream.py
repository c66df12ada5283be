"""The ports to NATS: what the services need of it, and no more.

`jetstream.py` is the real thing, `testing.py` holds one in memory; both pass `tests/contract`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from events.record import Record

Stop = Callable[[], Awaitable[None]]
"""Ends what the call that returned it began."""


Answer = Callable[[bytes], Awaitable[bytes | None]]
"""Answers a request; `None` leaves it to the other groups."""


class StreamError(Exception):
    """The stream did not answer as asked; whether it did the work is unknown."""


class NotPublished(StreamError):
    """The stream did not confirm the event; publish it again, its id makes that harmless."""


class NoAnswer(StreamError):
    """Nobody answered the request in time; ask again."""


class Stream(Protocol):
    """The durable stream of events."""

    async def publish(self, record: Record) -> asyncio.Future[int]:
        """Hand the record over, in the order of the calls; the future is its sequence once it is persisted.

        The future raises `NotPublished`. A record whose `message_id` the stream has keeps its first sequence.
        """
        ...

    async def follow(self, app: str, room: str, heard: Callable[[Record], None]) -> Stop:
        """Call `heard` with each event of the room that is persisted from now on, in order."""
        ...


class Wire(Protocol):
    """Messages that nobody stores: signals, wake-ups, requests."""

    async def send(self, subject: str, payload: bytes) -> None:
        """To whoever listens now. Raise `StreamError` if it could not be handed over."""
        ...

    async def listen(self, subject: str, heard: Callable[[str, bytes], None]) -> Stop:
        """Call `heard` with the subject and payload of each message sent from now on."""
        ...

    async def request(self, subject: str, payload: bytes, timeout: float) -> bytes:  # noqa: ASYNC109  NATS' own word
        """One answer, from one of those that serve the subject. Raise `NoAnswer` after `timeout` seconds."""
        ...

    async def serve(self, subject: str, group: str, answer: Answer) -> Stop:
        """Answer requests; each goes to one member of every group, and the first answer counts."""
        ...

    def reconnected(self, then: Callable[[], None]) -> None:
        """Call `then` whenever messages may have been missed because the connection was away."""
        ...
