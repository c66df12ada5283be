"""The port to the log: commands in, what became of each out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from comments.commands import Command
from comments.views import Comment
from events import Event, Record


@dataclass(frozen=True, slots=True)
class Stored:
    """An event of the log, as it is kept and as it is published."""

    key: int
    """The room's key in the database."""
    partition: int
    """The share of the outbox that it waits in."""
    record: Record


@dataclass(frozen=True, slots=True)
class Outcome:
    """A command that was carried out, durably."""

    event: Event | None = None
    """What happened; `None` if everything was already as the command wanted."""
    stored: Stored | None = None
    comment: Comment | None = None
    """The comment it was about, as it is now; for a repeated post as it was first answered."""


class Log(Protocol):
    """The ordered, durable log of all rooms of an app."""

    async def append(self, commands: Sequence[Command]) -> list[Outcome | Exception]:
        """Carry the commands out in their order, in one transaction; one that is refused fails alone.

        When it returns, everything in the outcomes is committed. An exception in the list is why that
        command was refused. Raise `Unavailable` if the log cannot say.
        """
        ...
