"""Puts the service together: what is opened here is closed here."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from chassis.service import Service
from chassis.telemetry import Telemetry
from chassis.waiting import until_there
from events import StreamError, Wire
from events.jetstream import Nats
from events.leases import LastSeen, Leases
from presence import api
from presence.announcer import Announcer
from presence.answers import Answers
from presence.diary import Diary
from presence.lead import Lead
from presence.queries import Queries
from presence.rules import Rules
from presence.settings import Settings
from presence.sightings import Sightings

MARGIN_SECONDS = 2.0
"""By which a heartbeat may be late."""

DAY = 86_400.0


@asynccontextmanager
async def open_service(
    settings: Settings, nats: Nats, telemetry: Telemetry, *, alone: bool = False
) -> AsyncIterator[Service]:
    """The service on the given connection, whose buckets are there from now on. Raise `Absent`.

    `alone` says that NATS and whoever holds connections start with this process: it need not wait for the
    heartbeats of people who were here before.
    """
    hold = settings.heartbeat_seconds + MARGIN_SECONDS
    leases = nats.leases(replicas=settings.stream_replicas, fresh=hold, most=settings.presence_bytes)
    last_seen = nats.last_seen(replicas=settings.stream_replicas, max_age=settings.last_seen_days * DAY)
    await _there("the bucket of leases", leases.ensure_leases, settings.start_patience)
    await _there(
        "the bucket of when people were last here", last_seen.ensure_last_seen, settings.start_patience
    )
    parts = Parts(settings, nats, leases, last_seen, alone=alone)
    _observe(telemetry, parts)
    yield Service(
        name="presence",
        routers=[api.router(parts.answers)],
        loops=parts.loops,
        ready={"nats": nats.ping},
    )


class Parts:
    """Of one replica."""

    def __init__(
        self, settings: Settings, wire: Wire, leases: Leases, last_seen: LastSeen, *, alone: bool = False
    ) -> None:
        app, ttl = settings.app_id, settings.presence_lead_ttl
        sightings = Sightings(refresh=settings.last_seen_refresh)
        self.rules = Rules(
            damping=settings.presence_damping,
            hold=settings.heartbeat_seconds + MARGIN_SECONDS,
            patience=2 * ttl + settings.presence_damping,
            alone=alone,
            seen=lambda room, user: sightings.saw(room, user, datetime.now(UTC)),
        )
        lead = Lead(leases, app, self.rules, ttl=ttl)
        self.announcer = Announcer(app, self.rules, lead, leases, wire, gather=settings.presence_gather)
        self.diary = Diary(last_seen, app, self.rules, sightings, rooms=settings.last_seen_rooms)
        self.answers = Answers(
            self.rules, self.diary, devices=settings.presence_devices, rooms=settings.presence_rooms
        )
        self.queries = Queries(self.answers, wire, app, self.announcer.known)
        self.loops = [self.announcer.run, lead.run, self.queries.run, self.diary.run]


async def _there(name: str, ensure: Callable[[], Awaitable[None]], patience: float) -> None:
    """A cluster that is starting takes a while to have it."""
    await until_there(name, ensure, patience=patience, passing=lambda error: isinstance(error, StreamError))


def _observe(telemetry: Telemetry, parts: Parts) -> None:
    rules, crowd, announcer = parts.rules, parts.rules.crowd, parts.announcer
    observe = telemetry.observe
    observe("parley.presence.users", "1", "Users who are here", lambda: len(crowd.places), kind="gauge")
    observe(
        "parley.presence.connections", "1", "Live connections", lambda: len(crowd.connections), kind="gauge"
    )
    observe(
        "parley.presence.rooms", "1", "Rooms with somebody in them", lambda: len(crowd.rooms), kind="gauge"
    )
    observe("parley.presence.heartbeats", "1", "Leases heard to begin or go on", lambda: rules.heard)
    observe("parley.presence.unreadable", "1", "Leases that cannot be read", lambda: rules.unreadable)
    observe("parley.presence.joined", "1", "Users said to have joined a room", lambda: announcer.joined)
    observe("parley.presence.left", "1", "Users said to have left a room", lambda: announcer.left)
    observe(
        "parley.presence.restated", "1", "Times that all were told to ask anew", lambda: announcer.restated
    )
    observe("parley.presence.queries", "1", "Questions answered for fanout", lambda: parts.queries.answered)
    observe(
        "parley.presence.seen", "1", "Values written of when users were here", lambda: parts.diary.written
    )
    observe(
        "parley.presence.leading",
        "1",
        "1 for the replica that leads",
        lambda: int(rules.leading),
        kind="gauge",
    )
    observe(
        "parley.presence.certain",
        "1",
        "1 once it is known what was announced",
        lambda: int(announcer.certain),
        kind="gauge",
    )
    observe("parley.presence.held", "1", "1 while nothing may be said", lambda: int(rules.held), kind="gauge")
