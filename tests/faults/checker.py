"""The judgement of a run: whether what was acknowledged is in the log, once and there, and whether everyone
who watched a room saw its log, in order, each event once.

Pure: it reads a record and says what is wrong, and where.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from faults.findings import Finding, Kind
from faults.history import Acknowledged, Entry, Left, Logged, Lost, Record, Run, Seen, Subscribed
from faults.order import Order
from faults.outages import Outage, Span, outages
from faults.truth import Truth
from faults.watch import Watch


@dataclass(slots=True)
class Figures:
    """How much there was to judge."""

    faults: int = 0
    tried: int = 0
    """Comments that were posted, however often."""
    acknowledged: int = 0
    """Comments that were acknowledged, however often."""
    failures: int = 0
    """Tries that were answered otherwise or not at all."""
    logged: int = 0
    streamed: int = 0
    clients: int = 0
    joined: int = 0
    """Subscriptions without a position to go on from."""
    resumed: int = 0
    """Subscriptions that were answered `recovered: true`."""
    reset: int = 0
    """Subscriptions with a position that were answered `recovered: false`."""
    cut: int = 0
    """Connections that ended otherwise than by the client's will."""
    seen: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    run: Run | None
    seconds: float
    """How long it was, as far as that was noted."""
    findings: Sequence[Finding]
    figures: Figures
    outages: dict[str, Outage]
    quiet: bool
    """The run came to its end; if not, nobody was expected to have seen everything."""

    @property
    def sound(self) -> bool:
        return self.quiet and not self.findings

    def count(self, kind: Kind) -> int:
        """How many events, or other things, are wrong in this way."""
        return sum(finding.events for finding in self.findings if finding.kind == kind)


def judge(record: Sequence[Entry] | Record) -> Verdict:
    """Read the record twice: first for what is true, then for what each client was told of it."""
    truth = Truth(record)
    findings = [*_posts(truth), *_log(truth), *_stream(truth)]
    audience = Audience(truth, findings)
    for entry in record:
        audience.take(entry)
    audience.end()
    figures = audience.figures
    figures.faults, figures.failures = len(truth.faults), truth.failed.total()
    figures.tried, figures.acknowledged = len(truth.tried), len(truth.acknowledged)
    figures.logged, figures.streamed = len(truth.logged), len(truth.streamed)
    found = outages(truth, audience.deliveries.values())
    return Verdict(truth.run, truth.seconds, findings, figures, found, truth.quiet)


class Audience:
    """All clients in all their rooms."""

    def __init__(self, truth: Truth, findings: list[Finding]) -> None:
        self.figures = Figures()
        self.deliveries: dict[tuple[str, int], Span] = {}
        """From the acknowledgement of a room's offset to its sight by the last who was there."""
        self._truth = truth
        self._findings = findings
        self._watches: dict[tuple[str, str], Watch] = {}
        self._told = {
            (each.room, each.offset): each.at for told in truth.acknowledged.values() for each in told[:1]
        }

    def take(self, entry: Entry) -> None:
        if isinstance(entry, Seen):
            self._seen(entry)
        elif isinstance(entry, Subscribed):
            self._subscribed(entry)
        elif isinstance(entry, Left):
            self._watch(entry.client, entry.room).left = True
        elif isinstance(entry, Lost):
            self.figures.cut += 1

    def end(self) -> None:
        self.figures.clients = len({client for client, _ in self._watches})
        for watch in self._watches.values():
            watch.end(quiet=self._truth.quiet)

    def _watch(self, client: str, room: str) -> Watch:
        watch = self._watches.get((client, room))
        if watch is None:
            watch = Watch(client, room, self._truth.room(room), self._findings.append)
            self._watches[client, room] = watch
        return watch

    def _subscribed(self, entry: Subscribed) -> None:
        if entry.since is None:
            self.figures.joined += 1
        elif entry.recovered:
            self.figures.resumed += 1
        else:
            self.figures.reset += 1
        self._watch(entry.client, entry.room).subscribed(entry)

    def _seen(self, entry: Seen) -> None:
        self.figures.seen += 1
        watch = self._watch(entry.client, entry.room)
        place = entry.room, entry.offset
        told = self._told.get(place)
        if watch.seen(entry) and told is not None and watch.since <= told < entry.at:
            longest = self.deliveries.get(place)
            if longest is None or longest.ended < entry.at:
                self.deliveries[place] = Span(told, entry.at)


def _posts(truth: Truth) -> Iterable[Finding]:
    logged: dict[str, list[Logged]] = {}
    for event in truth.logged:
        if event.key is not None:
            logged.setdefault(event.key, []).append(event)
    for key, events in logged.items():
        for event in events[1:]:
            yield Finding(
                Kind.DOUBLED, event.room, event.offset, key=key, detail=f"first at {events[0].offset}"
            )
    for key, told in truth.acknowledged.items():
        yield from _post(told, logged.get(key, []))


def _post(told: Sequence[Acknowledged], logged: Sequence[Logged]) -> Iterable[Finding]:
    """Whether what was acknowledged under one key is so, and always the same."""
    first, *others = told
    answer = first.room, first.offset, first.comment
    if not logged:
        yield Finding(Kind.LOST, first.room, first.offset, key=first.key, detail=f"comment {first.comment}")
    elif answer not in [(event.room, event.offset, event.comment) for event in logged]:
        detail = f"logged at {logged[0].offset} as {logged[0].comment}"
        yield Finding(Kind.MOVED, first.room, first.offset, key=first.key, detail=detail)
    for other in others:
        if (other.room, other.offset, other.comment) != answer:
            detail = f"first told {first.offset} and {first.comment}"
            yield Finding(Kind.CONTRADICTED, other.room, other.offset, key=other.key, detail=detail)


def _log(truth: Truth) -> Iterable[Finding]:
    """Each room's log is 1, 2, 3 … under one epoch."""
    orders: dict[str, Order] = {}
    for event in truth.logged:
        order = orders.setdefault(event.room, Order(0))
        if order.take(event.offset, 0) in ("late", "again"):
            yield Finding(Kind.GAP, event.room, event.offset, detail="out of order")
        if event.epoch != truth.room(event.room).epoch:
            yield Finding(Kind.MIXED, event.room, event.offset, detail=f"logged under epoch {event.epoch}")
    for room, order in orders.items():
        for hole in order.holes:
            yield Finding(Kind.GAP, room, hole.first, hole.last)


def _stream(truth: Truth) -> Iterable[Finding]:
    """Each room's messages are its log, in order of sequence."""
    orders = {room: Order(0) for room in truth.rooms}
    for message in truth.streamed:
        room, offset, sequence = message.room, message.offset, message.sequence
        event = truth.room(room).events.get(offset)
        if event is None or (event.epoch, event.event) != (message.epoch, message.event):
            detail = f"event {message.event} of epoch {message.epoch}"
            yield Finding(Kind.STREAMED_ALONE, room, offset, sequence=sequence, detail=detail)
            continue
        step = orders[room].take(offset, sequence)
        if step == "late":
            yield Finding(Kind.STREAMED_LATE, room, offset, sequence=sequence)
        elif step == "again":
            yield Finding(Kind.STREAMED_TWICE, room, offset, sequence=sequence)
    for room, order in orders.items():
        order.skip(truth.room(room).head, 0)
        for hole in order.holes:
            yield Finding(Kind.UNSTREAMED, room, hole.first, hole.last, sequence=hole.place or None)
