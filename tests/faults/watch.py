"""What one client saw of one room, across all its connections, held against the log."""

from collections.abc import Callable

from faults.findings import Finding, Kind
from faults.history import Position, Seen, Subscribed
from faults.order import Order
from faults.truth import Room

Report = Callable[[Finding], None]


class Watch:
    """Begins with the client's first subscription to the room.

    A `recovered: true` continues what it saw before; any other subscription begins anew after the offset
    that the server named, for the client is told to fetch what was before.
    """

    __slots__ = ("_client", "_connection", "_log", "_name", "_next", "_order", "_report", "left", "since")

    def __init__(self, client: str, name: str, log: Room, report: Report) -> None:
        self.left = False
        self.since = 0.0
        """When it began, or began anew."""
        self._client = client
        self._name = name
        self._log = log
        self._report = report
        self._connection = 0
        self._order: Order | None = None
        self._next: int | None = None
        """What has to come next, as the server has just promised to go on from there."""

    def subscribed(self, entry: Subscribed) -> None:
        self._connection, self._next = entry.connection, None
        if self._log.epoch not in (None, entry.epoch):
            self._find(Kind.MIXED, entry.offset, detail=f"subscribed to epoch {entry.epoch}")
        if entry.offset > self._log.head:
            self._find(Kind.FALSE_POSITION, entry.offset, detail=f"the log ends at {self._log.head}")
        if entry.since is None:
            self._begin(entry.offset, entry.at)
        elif entry.recovered:
            self._resume(entry, entry.since)
        else:
            self._reset(entry, entry.since)

    def seen(self, entry: Seen) -> bool:
        """Whether it is the first sight of this event."""
        if entry.connection != self._connection or self._order is None:
            self._find(Kind.UNASKED, entry.offset, connection=entry.connection)
            return False
        self._compare(entry)
        if self._next not in (None, entry.offset):
            self._find(Kind.FALSE_RECOVERY, entry.offset, detail=f"{self._next} had to be next")
        self._next = None
        step = self._order.take(entry.offset, entry.connection)
        if step == "late":
            self._find(Kind.REORDERED, entry.offset)
        elif step == "again":
            self._find(Kind.REPEATED, entry.offset)
        return step != "again"

    def end(self, *, quiet: bool) -> None:
        """The run is over; if it ended `quiet`, the client has had time to see everything."""
        if self._order is None:
            return
        self._close(self._order)
        if quiet and not self.left and self._order.last < self._log.head:
            self._find(Kind.BEHIND, self._order.last + 1, self._log.head)

    def _begin(self, after: int, at: float) -> None:
        if self._order is not None:
            self._close(self._order)
        self._order, self.since = Order(after), at

    def _close(self, order: Order) -> None:
        for hole in order.holes:
            self._find(Kind.HOLE, hole.first, hole.last, connection=hole.place)

    def _resume(self, entry: Subscribed, since: Position) -> None:
        lie = self._lie(entry, since)
        if lie:
            self._find(Kind.FALSE_RECOVERY, since.offset, detail=lie)
        if self._order is None:
            self._begin(min(since.offset, entry.offset), entry.at)
        elif not lie:
            self._order.skip(since.offset, entry.connection)
        if not lie:
            self._next = since.offset + 1

    def _lie(self, entry: Subscribed, since: Position) -> str:
        """Why the log cannot go on from there; empty if it can."""
        epoch = self._log.epoch or entry.epoch
        if since.epoch != epoch:
            return f"since epoch {since.epoch}, the log's is {epoch}"
        if since.offset > self._log.head:
            return f"the log ends at {self._log.head}"
        if since.offset > entry.offset:
            return f"the same answer has the room at {entry.offset}"
        return ""

    def _reset(self, entry: Subscribed, since: Position) -> None:
        if since.epoch == (self._log.epoch or entry.epoch) and since.offset <= self._log.head:
            self._find(Kind.NEEDLESS_RESET, since.offset, detail=f"the log ends at {self._log.head}")
        self._begin(entry.offset, entry.at)

    def _compare(self, entry: Seen) -> None:
        logged = self._log.events.get(entry.offset)
        if logged is None:
            self._find(Kind.INVENTED, entry.offset, detail=f"event {entry.event}")
        elif logged.epoch != entry.epoch:
            self._find(Kind.MIXED, entry.offset, detail=f"epoch {entry.epoch}, the log's is {logged.epoch}")
        elif logged.event != entry.event:
            self._find(Kind.INVENTED, entry.offset, detail=f"event {entry.event}, in the log {logged.event}")
        elif logged.digest != entry.digest:
            self._find(Kind.ALTERED, entry.offset, detail=f"event {entry.event}")

    def _find(
        self,
        kind: Kind,
        offset: int,
        last: int | None = None,
        *,
        connection: int | None = None,
        detail: str = "",
    ) -> None:
        self._report(
            Finding(
                kind,
                self._name,
                offset,
                last,
                client=self._client,
                connection=self._connection if connection is None else connection,
                detail=detail,
            )
        )
