"""What every implementation of the ports to NATS has."""

from typing import Protocol

from events import Contents, Stream, Wire
from events.feed import EventFeed
from events.leases import LastSeen, Leases
from events.receipts import ReceiptStream


class Nats(Stream, Wire, Protocol):
    """All ports in one object."""

    def contents(self) -> Contents: ...

    def leases(self, *, fresh: float = 30.0) -> Leases: ...

    def last_seen(self) -> LastSeen: ...

    def receipts(self) -> ReceiptStream: ...

    def feed(self) -> EventFeed: ...
