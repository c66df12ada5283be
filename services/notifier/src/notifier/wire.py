"""A request to a push service, its answer, and how certain it is that it was, or was not, taken."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

MAX_ANSWER: Final = 4_096
"""Bytes of an answer that are kept; push services explain themselves in less."""


@dataclass(frozen=True, slots=True)
class Request:
    """A POST."""

    authority: str
    """Host, and port unless it is the scheme's own."""
    target: str
    """Path and query."""
    fields: Mapping[str, str]
    """Lower case names, printable ASCII values."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    fields: Mapping[str, str]
    """Lower case names; of several with one name the last."""
    body: bytes
    """At most `MAX_ANSWER` bytes of it."""


class NotTaken(Exception):
    """The service surely did not process it."""


class NoAnswer(Exception):
    """It was handed over, and nobody knows what became of it."""


class Exchange:
    """One request, until it is answered or it is known that it will not be."""

    def __init__(self, request: Request, future: asyncio.Future[Response]) -> None:
        self.request, self.future = request, future
        self.handed = False
        """Its last byte was given to the network: from then on it may have been taken."""

    def answer(self, response: Response) -> None:
        if not self.future.done():
            self.future.set_result(response)

    def lose(self, reason: str) -> None:
        """No answer will come."""
        self.fail(NoAnswer(reason) if self.handed else NotTaken(reason))

    def refuse(self, reason: str) -> None:
        """It was surely not taken."""
        self.fail(NotTaken(reason))

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)
            self.future.exception()  # whoever waited may have just gone: nobody need hear of it


class Connection(Protocol):
    """One connection to one origin."""

    @property
    def room(self) -> int:
        """Exchanges that it can begin now."""
        ...

    @property
    def usable(self) -> bool:
        """Whether it will have room again."""
        ...

    @property
    def busy(self) -> bool:
        """Whether it has exchanges that are not answered."""
        ...

    def start(self, exchange: Exchange) -> None:
        """It must have room."""
        ...

    def abandon(self, exchange: Exchange) -> None:
        """Nobody waits for the answer any more."""
        ...

    def close(self) -> None:
        """What is not answered is lost. May be called again."""
        ...
