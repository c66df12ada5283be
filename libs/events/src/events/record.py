"""An event on its way: its encoded bytes, and what a carrier must know without opening them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from events import subjects

MESSAGE_ID = "Nats-Msg-Id"
"""The header by which the stream knows that it has a message already."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the log, and one message of the stream."""

    app: str
    room: str
    epoch: str
    """Identity of the room's history: offsets of another epoch mean nothing here."""
    offset: int
    id: UUID
    type: str
    at: str
    """RFC 3339, as in the event."""
    data: bytes
    """The encoded event, handed on byte for byte."""
    trace: str | None = None
    """W3C `traceparent` of what caused it."""
    refill: int = field(default=0, compare=False)
    """Not 0 if it is published again because the stream has lost it: the number of that refill."""

    @property
    def subject(self) -> str:
        return subjects.event(self.app, self.room, self.type)

    @property
    def message_id(self) -> str:
        """`Nats-Msg-Id`: unique in the stream, also after a restored log counts its offsets again.

        A refill has ids of its own, because a stream that was purged still remembers those of what it lost.
        """
        again = f":{self.refill}" if self.refill else ""
        return f"{self.app}/{self.room}:{self.epoch}:{self.offset}{again}"

    def headers(self) -> dict[str, str]:
        """CloudEvents 1.0 attributes (NATS binding, binary mode), and the extensions `epoch` and `offset`."""
        headers = {
            MESSAGE_ID: self.message_id,
            "ce-specversion": "1.0",
            "ce-id": str(self.id),
            "ce-source": f"/apps/{self.app}/rooms/{self.room}",
            "ce-type": self.type,
            "ce-time": self.at,
            "ce-epoch": self.epoch,
            "ce-offset": str(self.offset),
            "content-type": "application/json",
        }
        if self.trace:
            headers["traceparent"] = self.trace
        return headers


def rfc3339(at: datetime) -> str:
    """A time in UTC, to the microsecond, as events and headers spell it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def received(subject: str, headers: Mapping[str, str] | None, data: bytes) -> Record:
    """The record that a message of the stream carries; the inverse of publishing it.

    Raise `ValueError` if the message was not published as a `Record`.
    """
    app, room, type_ = subjects.parts(subject)
    try:
        given = headers or {}
        epoch, offset, id_ = given["ce-epoch"], int(given["ce-offset"]), UUID(given["ce-id"])
        return Record(app, room, epoch, offset, id_, type_, given["ce-time"], data, given.get("traceparent"))
    except KeyError as missing:
        raise ValueError(f"a message on {subject!r} without the header {missing}") from missing
