"""The parts of the service, put together: what is begun here is ended here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from chassis.limits import Buckets, Rate
from events import Stream, Wire
from events.leases import Leases
from events.receipts import ReceiptStream
from fanout.acknowledgements import Acknowledgements
from fanout.companies import Companies
from fanout.conversation import Desk
from fanout.heartbeats import Heartbeats
from fanout.hub import Bounds, Hub
from fanout.live import Pushed
from fanout.outage import Outage
from fanout.pages import Pages
from fanout.rooms import Rules
from fanout.roster import Pace, Roster
from fanout.settings import Settings
from fanout.tasks import Tasks
from fanout.terms import Terms
from fanout.unread import Unread


class Carrier(Stream, Wire, Protocol):
    """All that fanout needs of NATS."""

    def leases(self) -> Leases: ...

    def receipts(self) -> ReceiptStream: ...


@dataclass(frozen=True, slots=True)
class Parts:
    desk: Desk
    roster: Roster
    pages: Pages
    companies: Companies


@asynccontextmanager
async def assemble(settings: Settings, nats: Carrier, pushed: Pushed) -> AsyncIterator[Parts]:
    app, tasks = settings.app_id, Tasks()
    pages = Pages(nats, app, kept=settings.pages_bytes, timeout=settings.replay_timeout)
    companies = Companies(app, nats, tasks, terms_of(settings))
    bounds = Bounds(ring=settings.ring_bytes, shed=settings.shed_above, linger=settings.room_linger)
    hub = Hub(app, nats, nats, pages, companies, tasks, bounds, pushed)
    roster = Roster(settings.max_connections, pace_of(settings))
    Outage(nats, hub, roster, tasks, grace=settings.degraded_after)
    desk = desk_of(settings, nats, hub, tasks)
    try:
        await companies.listen()
        await desk.unread.listen()
        await desk.acknowledgements.listen(nats)
        yield Parts(desk, roster, pages, companies)
    finally:
        await hub.close()
        await desk.acknowledgements.close()
        await desk.unread.close()
        await companies.close()
        await desk.heartbeats.close()
        await tasks.close()
        await pages.close()


def desk_of(settings: Settings, nats: Carrier, hub: Hub, tasks: Tasks) -> Desk:
    """Where requests are taken to."""
    app = settings.app_id
    ttl, interval = settings.presence_ttl, settings.heartbeat_seconds
    gather, waiting = settings.receipts_interval, settings.receipts_waiting
    signals = Rate(settings.signals_per_second, settings.signals_burst)
    return Desk(
        hub=hub,
        tasks=tasks,
        rules=rules_of(settings),
        heartbeats=Heartbeats(nats.leases(), app, ttl=ttl, interval=interval),
        acknowledgements=Acknowledgements(nats.receipts(), app, interval=gather, limit=waiting),
        unread=Unread(app, nats, tasks, interval=settings.unread_push, timeout=settings.ambient_timeout),
        signals=Buckets(signals) if settings.rate_limits == "on" else None,
        typing=Buckets(Rate(1 / settings.typing_seconds, 1)),
    )


def rules_of(settings: Settings) -> Rules:
    return Rules(
        rooms=settings.rooms_per_connection,
        connect=settings.connect_seconds,
        ping=settings.ping_seconds,
        signal=settings.signal_limit,
        expiry_warning=settings.expiry_warning,
    )


def terms_of(settings: Settings) -> Terms:
    return Terms(
        listed=settings.presence_list,
        receipts=settings.receipts_push,
        timeout=settings.ambient_timeout,
        shed=settings.shed_above,
    )


def pace_of(settings: Settings) -> Pace | None:
    """At which new connections come in; `None` is as fast as they can."""
    if settings.rate_limits == "off":
        return None
    return Pace(Rate(settings.connects_per_second, settings.connects_burst))
