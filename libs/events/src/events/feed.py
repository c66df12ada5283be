"""The port `EventFeed`: the stream EVENTS, for whoever must not miss an event and is no socket."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from events.record import Record


@dataclass(frozen=True, slots=True)
class Received:
    """One event of the stream, to be confirmed."""

    record: Record
    reply: str
    again: bool = False
    """It was taken before, and not confirmed in time."""


class EventFeed(Protocol):
    """All events of an app that the stream holds, from the oldest on. All raise `StreamError`."""

    async def take(self, app: str, durable: str, most: int, wait: float) -> Sequence[Received]:
        """The next events for this durable consumer, which all its replicas share; made if it is gone.

        Waits `wait` seconds for the first one. What is not confirmed within
        `storage.CONFIRM_SECONDS` comes again, and what is taken by two replicas is in no order. After the
        stream was made anew, all that it holds comes again. A message that was not published as
        a `Record` is confirmed and left out.
        """
        ...

    async def confirm(self, received: Sequence[Received]) -> None:
        """They need not come again."""
        ...
