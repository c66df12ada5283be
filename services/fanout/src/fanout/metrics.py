"""What the service measures of itself."""

from collections.abc import Callable, Sequence
from datetime import datetime
from time import time

from chassis.telemetry import Telemetry, span
from chassis.tracing import tracing
from events import Record
from fanout.assembly import Parts


def pushed_of(telemetry: Telemetry) -> Callable[[Sequence[Record], int], None]:
    delay = telemetry.histogram(
        "parley.push.delay", "s", "From an event's commit to its write to the sockets"
    )

    def pushed(records: Sequence[Record], sockets: int) -> None:
        now = time()
        for record in records:
            delay.record(max(0.0, now - datetime.fromisoformat(record.at).timestamp()))
            if record.trace is not None and tracing():
                with span("push", record.trace, room=record.room, sockets=sockets):
                    pass

    return pushed


def observe_all(telemetry: Telemetry, parts: Parts) -> None:
    _observe_rooms(telemetry, parts)
    _observe_people(telemetry, parts)


def _observe_rooms(telemetry: Telemetry, parts: Parts) -> None:
    hub, roster, pages = parts.desk.hub, parts.roster, parts.pages
    figures, crowd = hub.figures, roster.figures
    observe = telemetry.observe
    observe("parley.sockets", "1", "Open connections of clients", lambda: roster.open, kind="gauge")
    observe("parley.sockets.accepted", "1", "Connections accepted", lambda: crowd.accepted)
    observe("parley.sockets.busy", "1", "Connections asked to come back later", lambda: crowd.busy)
    observe("parley.sockets.drained", "1", "Connections asked to go elsewhere", lambda: crowd.drained)
    observe("parley.sockets.slow", "1", "Connections closed for taking nothing", lambda: crowd.slow)
    observe("parley.degraded", "1", "1 while NATS is away", lambda: int(roster.degraded), kind="gauge")
    observe("parley.rooms", "1", "Active rooms", lambda: hub.rooms, kind="gauge")
    observe("parley.members", "1", "Connections in rooms", lambda: figures.members, kind="gauge")
    observe("parley.events", "1", "Events pushed to rooms", lambda: figures.events)
    observe("parley.frames", "1", "Event frames written to sockets", lambda: figures.frames)
    observe("parley.signals", "1", "Signals pushed to rooms", lambda: figures.signals)
    observe("parley.holes", "1", "Times the log was read for a missing event", lambda: figures.holes)
    observe("parley.replays", "1", "Members that were given events of the log", lambda: figures.replays)
    observe("parley.signals.shed", "1", "Signals not written to slow readers", lambda: figures.shed)
    observe("parley.paused", "1", "Members that fell back from live to replay", lambda: figures.paused)
    observe("parley.pages.asked", "1", "Pages of the log asked of comments", lambda: pages.figures.asked)
    observe("parley.pages.shared", "1", "Pages of the log that were shared", lambda: pages.figures.shared)


def _observe_people(telemetry: Telemetry, parts: Parts) -> None:
    beats, receipts, unread = parts.desk.heartbeats, parts.desk.acknowledgements, parts.desk.unread
    companies, observe = parts.companies, telemetry.observe
    observe(
        "parley.leases",
        "1",
        "Connections that heartbeats are sent of",
        lambda: beats.figures.leases,
        kind="gauge",
    )
    observe("parley.heartbeats", "1", "Heartbeats that NATS confirmed", lambda: beats.figures.beats)
    observe("parley.heartbeats.failures", "1", "Heartbeats it did not confirm", lambda: beats.failures)
    observe("parley.receipts.waiting", "1", "Receipts that wait", lambda: receipts.waiting, kind="gauge")
    observe("parley.receipts.published", "1", "Messages of receipts confirmed", lambda: receipts.published)
    observe("parley.receipts.failures", "1", "Messages of receipts not confirmed", lambda: receipts.failures)
    observe("parley.company.queries", "1", "Questions about rooms' people", lambda: companies.queries)
    observe(
        "parley.company.diffs", "1", "Frames about people encoded for rooms", lambda: companies.figures.diffs
    )
    observe(
        "parley.company.stale",
        "1",
        "Members that missed one and got all later",
        lambda: companies.figures.stale,
    )
    observe("parley.unread.pushes", "1", "Unread counts pushed", lambda: unread.figures.pushes)
