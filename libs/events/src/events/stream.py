"""The ports to NATS: what the services need of it, and no more.

`jetstream.py` is the real thing, `testing.py` holds one in memory; both pass `tests/contract`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
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


class Rejected(NotPublished):
    """The stream answered that it does not take the event, for now; it has not got it."""


class Full(Rejected):
    """There is no room for it; the stream has not got it."""


class NoAnswer(StreamError):
    """Nobody answered the request in time; ask again."""


class Stream(Protocol):
    """The durable stream of events."""

    async def publish(self, record: Record) -> asyncio.Future[int]:
        """Hand the record over, in the order of the calls; the future is its sequence once it is persisted.

        The future raises `NotPublished`, or `Rejected` if that is the stream's answer. A record whose
        `message_id` the stream has keeps its first sequence.
        """
        ...

    async def follow(self, app: str, room: str, heard: Callable[[Record], None]) -> Stop:
        """Call `heard` with each event of the room that is persisted from now on, in order."""
        ...

    async def announce(self, record: Record) -> None:
        """Let followers hear it now, as the stream will have it later only; then they hear it again.

        Raise `StreamError` if it could not be handed over.
        """
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where the stream begins and ends, by sequence."""

    created: datetime
    """Of this stream: one that was deleted and made again is another."""
    first: int
    """Of the oldest message; of an empty stream `last` + 1, or 0 if there never was one."""
    last: int
    """Given to the newest message, even if that is gone."""
    messages: int


@dataclass(frozen=True, slots=True)
class Held:
    """What the stream holds of a room: its oldest message, its newest, and how many there are.

    A message that nobody published as a `Record` is `None`.
    """

    first: Record | None
    last: Record | None
    messages: int


class Contents(Protocol):
    """What the stream holds, for whoever keeps it equal to the log. All raise `StreamError` if it is away."""

    async def ensure_stream(self) -> None:
        """Make the stream if it is gone; configure it as it should be."""
        ...

    async def bounds(self) -> Bounds | None:
        """`None` if there is no stream."""
        ...

    async def message_id(self, sequence: int) -> str | None:
        """The `message_id` of what is held under the sequence, if anything is."""
        ...

    async def held(self, app: str, room: str) -> Held | None:
        """What is held of the room, of whatever epoch."""
        ...

    async def remove(self, app: str, room: str | None = None) -> None:
        """Everything of the room, or of the app; its ids stay remembered for `storage.DUPLICATE_WINDOW`."""
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

    def disconnected(self, then: Callable[[], None]) -> None:
        """Call `then` when the connection is lost: until `reconnected`, nothing is heard."""
        ...

    def reconnected(self, then: Callable[[], None]) -> None:
        """Call `then` whenever messages may have been missed because the connection was away."""
        ...
