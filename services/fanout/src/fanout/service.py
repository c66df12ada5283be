"""Puts the service together: what is opened here is closed here."""

import itertools
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from time import time
from urllib.parse import parse_qs

from chassis.auth import Verifier
from chassis.limits import Buckets, Rate
from chassis.service import Service
from chassis.telemetry import Telemetry, span
from chassis.tracing import tracing
from events import Record
from events.jetstream import Nats
from fanout.connection import Connection, Context
from fanout.hub import Bounds, Hub
from fanout.pages import Pages
from fanout.rooms import Rules
from fanout.settings import Settings
from fanout.sockets import Limits
from fanout.tasks import Tasks
from fanout.upgrade import Refusal, Upgrade, refuse
from fanout.websocket import websocket_protocol

NATIVE = "/v1/ws"
"""Path of the native protocol."""

REFUSALS = Rate(1, 100)
"""Requests beyond the rate that one connection is told about before it is closed."""


@asynccontextmanager
async def open_service(
    settings: Settings, nats: Nats, telemetry: Telemetry, verifier: Verifier
) -> AsyncIterator[Service]:
    tasks = Tasks()
    pages = Pages(nats, settings.app_id, kept=settings.pages_bytes, timeout=settings.replay_timeout)
    bounds = Bounds(ring=settings.ring_bytes, linger=settings.room_linger)
    hub = Hub(settings.app_id, nats, nats, pages, tasks, bounds, _pushed(telemetry))
    sockets = Sockets(settings, hub, tasks, verifier)
    limits = Limits(
        frame=settings.frame_limit,
        write_high=settings.write_high,
        ping=settings.ping_seconds,
        pong=settings.pong_seconds,
    )
    _observe(telemetry, hub, pages, sockets)
    try:
        yield Service(
            name="fanout",
            ready={"nats": nats.ping},
            sockets=websocket_protocol(sockets.accept, limits),
        )
    finally:
        await hub.close()
        await tasks.close()
        await pages.close()


class Sockets:
    """Accepts upgrades: the path says which protocol is spoken."""

    def __init__(self, settings: Settings, hub: Hub, tasks: Tasks, verifier: Verifier) -> None:
        rate = Rate(settings.requests_per_second, settings.requests_burst)
        rules = Rules(
            rooms=settings.rooms_per_connection,
            connect=settings.connect_seconds,
            ping=settings.ping_seconds,
            signal=settings.signal_limit,
        )
        requests = Buckets(rate) if settings.rate_limits == "on" else None
        self._context = Context(hub, tasks, verifier, rules, requests, Buckets(REFUSALS))
        self._limit = settings.max_connections
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self.open = 0
        self.accepted = 0

    def accept(self, upgrade: Upgrade) -> Connection | Refusal:
        if upgrade.path != NATIVE:
            return refuse(404, "not_found", "No WebSocket is served at this path.")
        if self.open >= self._limit:
            return refuse(503, "too_many_connections", "This server has no room for more.", retry_after="5")
        self.open += 1
        self.accepted += 1
        token = token_of(upgrade.query, upgrade.headers.get("authorization"))
        return Connection(f"c{self._prefix}{next(self._numbers)}", self._context, token, self._closed)

    def _closed(self) -> None:
        self.open -= 1


def token_of(query: str, authorization: str | None) -> str | None:
    """The token that an upgrade request brings, in the header or by `?token=`; never logged."""
    scheme, _, header = (authorization or "").partition(" ")
    if scheme.lower() == "bearer" and header.strip():
        return header.strip()
    found = parse_qs(query).get("token")
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


def _observe(telemetry: Telemetry, hub: Hub, pages: Pages, sockets: Sockets) -> None:
    figures = hub.figures
    observe = telemetry.observe
    observe("parley.sockets", "1", "Open WebSockets", lambda: sockets.open, kind="gauge")
    observe("parley.sockets.accepted", "1", "WebSockets accepted", lambda: sockets.accepted)
    observe("parley.rooms", "1", "Active rooms", lambda: hub.rooms, kind="gauge")
    observe("parley.members", "1", "Connections in rooms", lambda: figures.members, kind="gauge")
    observe("parley.events", "1", "Events pushed to rooms", lambda: figures.events)
    observe("parley.frames", "1", "Event frames written to sockets", lambda: figures.frames)
    observe("parley.signals", "1", "Signals pushed to rooms", lambda: figures.signals)
    observe("parley.holes", "1", "Times the log was read for a missing event", lambda: figures.holes)
    observe("parley.replays", "1", "Members that were given events of the log", lambda: figures.replays)
    observe("parley.paused", "1", "Members that fell back from live to replay", lambda: figures.paused)
    observe("parley.pages.asked", "1", "Pages of the log asked of comments", lambda: pages.figures.asked)
    observe("parley.pages.shared", "1", "Pages of the log that were shared", lambda: pages.figures.shared)
