"""The request `comments.replay` and its answer: a page of a room's log, forwards.

The answer is lines: first the page's head as JSON, then one encoded event a line, byte for byte as
the log holds it, so that nobody between the log and the socket has to parse an event.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from events.schema import APP, ROOM


class ReplayRequest(BaseModel):
    """Events of `room` with offsets above `after`, at most `limit`."""

    model_config = ConfigDict(frozen=True)

    app: str = Field(pattern=APP)
    room: str = Field(pattern=ROOM)
    after: int = Field(ge=0, lt=2**63)
    limit: int = Field(ge=0, le=1000)


class _Head(BaseModel):
    epoch: str
    head: int
    first: int


@dataclass(frozen=True, slots=True)
class Page:
    """What the log held after an offset."""

    epoch: str
    head: int
    """The highest offset of the room, 0 in a room where nothing happened yet."""
    first: int
    """The offset of `events[0]`; the others follow without a gap."""
    events: Sequence[bytes]

    def encode(self) -> bytes:
        head = _Head(epoch=self.epoch, head=self.head, first=self.first).model_dump_json().encode()
        return b"\n".join([head, *self.events])


def decode_page(answer: bytes) -> Page:
    """Raise `ValueError` if the answer is not a page."""
    line, *events = answer.split(b"\n")
    head = _Head.model_validate_json(line)
    return Page(head.epoch, head.head, head.first, events)
