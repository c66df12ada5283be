"""Puts the service together: what is opened here is closed here."""

import itertools
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from time import time
from urllib.parse import parse_qs

from chassis.auth import Verifier
from chassis.limits import Buckets, Rate
from chassis.service import Service
from chassis.telemetry import Telemetry, span
from chassis.tracing import tracing
from events import Record, subjects
from events.jetstream import Nats
from fanout import sse_api
from fanout.closes import Close
from fanout.connection import Connection, Context
from fanout.hub import Bounds, Hub
from fanout.outage import Outage
from fanout.pages import Pages
from fanout.rooms import Rules
from fanout.roster import Pace, Roster
from fanout.settings import Settings
from fanout.sockets import Limits
from fanout.tasks import Tasks
from fanout.upgrade import Refusal, Upgrade, refuse
from fanout.websocket import websocket_protocol

NATIVE = "/v1/ws"
"""Path of the native protocol."""

QUERY_FIELDS = 200
"""A query of more is not looked at: reading tens of thousands would hold up the loop, for anybody."""

REFUSALS = Rate(1, 100)
"""Requests beyond the rate that one connection is told about before it is closed."""


@asynccontextmanager
async def open_service(
    settings: Settings, nats: Nats, telemetry: Telemetry, verifier: Verifier
) -> AsyncIterator[Service]:
    tasks = Tasks()
    roster = Roster(settings.max_connections, pace(settings))
    pages = Pages(nats, settings.app_id, kept=settings.pages_bytes, timeout=settings.replay_timeout)
    bounds = Bounds(ring=settings.ring_bytes, shed=settings.shed_above, linger=settings.room_linger)
    hub = Hub(settings.app_id, nats, nats, pages, tasks, bounds, _pushed(telemetry))
    Outage(nats, hub, roster, tasks, grace=settings.degraded_after)
    sockets = Sockets(settings, hub, roster, tasks, verifier)
    limits = limits_of(settings)
    _observe(telemetry, hub, pages, roster)
    restored = await nats.listen(subjects.restored(settings.app_id), lambda *_: hub.check())
    try:
        yield Service(
            name="fanout",
            routers=[sse_api.router(hub, roster, tasks, verifier, limits, settings.expiry_warning)],
            ready={"nats": nats.ping},
            sockets=websocket_protocol(sockets.accept, limits),
            drain=partial(roster.drain, settings.drain_window),
        )
    finally:
        await restored()
        await hub.close()
        await tasks.close()
        await pages.close()


class Sockets:
    """Accepts upgrades: the path says which protocol is spoken."""

    def __init__(
        self, settings: Settings, hub: Hub, roster: Roster, tasks: Tasks, verifier: Verifier
    ) -> None:
        rate = Rate(settings.requests_per_second, settings.requests_burst)
        rules = Rules(
            rooms=settings.rooms_per_connection,
            connect=settings.connect_seconds,
            ping=settings.ping_seconds,
            signal=settings.signal_limit,
            expiry_warning=settings.expiry_warning,
        )
        requests = Buckets(rate) if settings.rate_limits == "on" else None
        self._context = Context(hub, roster, tasks, verifier, rules, requests, Buckets(REFUSALS))
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    def accept(self, upgrade: Upgrade) -> Connection | Refusal:
        if upgrade.path != NATIVE:
            return refuse(404, "not_found", "No WebSocket is served at this path.")
        if self._context.roster.draining:
            return refuse(503, "draining", "This server is about to stop.", retry_after="1")
        if self._context.roster.full:
            return refuse(503, "too_many_connections", "This server has no room for more.", retry_after="5")
        token = token_of(upgrade.query, upgrade.headers.get("authorization"))
        return Connection(f"c{self._prefix}{next(self._numbers)}", self._context, token)


def limits_of(settings: Settings) -> Limits:
    """What one socket may take."""
    return Limits(
        frame=settings.frame_limit,
        write_high=settings.write_high,
        ping=settings.ping_seconds,
        pong=settings.pong_seconds,
        stall=settings.stall_seconds,
        frames=settings.frames_per_second if settings.rate_limits == "on" else sys.maxsize,
        flood=Close.TOO_MANY_REQUESTS,
    )


def pace(settings: Settings) -> Pace | None:
    """At which new connections come in; `None` is as fast as they can."""
    if settings.rate_limits == "off":
        return None
    return Pace(Rate(settings.connects_per_second, settings.connects_burst))


def token_of(query: str, authorization: str | None) -> str | None:
    """The token that an upgrade request brings, in the header or by `?token=`; never logged."""
    scheme, _, header = (authorization or "").partition(" ")
    if scheme.lower() == "bearer" and header.strip():
        return header.strip()
    try:
        found = parse_qs(query, max_num_fields=QUERY_FIELDS).get("token")
    except ValueError:
        return None
    return found[0] if found else None


def _pushed(telemetry: Telemetry) -> Callable[[Sequence[Record], int], None]:
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


def _observe(telemetry: Telemetry, hub: Hub, pages: Pages, roster: Roster) -> None:
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
