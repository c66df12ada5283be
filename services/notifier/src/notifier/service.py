"""Puts the service together: what is opened here is closed here."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from chassis.service import Loop, Service
from chassis.telemetry import Telemetry
from events.jetstream import Nats
from notifier import api, metrics
from notifier.badges import Badges
from notifier.database import Pool, connect
from notifier.deciding import Deciding, People, Terms
from notifier.devices import Devices
from notifier.explain import Explanations
from notifier.intake import Intake
from notifier.looking import Looking
from notifier.matters import Matters
from notifier.outbox import Outbox
from notifier.platforms import Platforms, platforms_of
from notifier.preferences import PreferencesTable
from notifier.presences import Presences
from notifier.returns import Returns
from notifier.sending import Sending
from notifier.settings import Settings
from notifier.sweeping import Sweeping
from notifier.watermarks import WatermarkIntake


class NoDatabase(Exception):
    """PARLEY_DATABASE_URL is not set: notifier keeps devices and pushes in Postgres."""


@asynccontextmanager
async def open_service(
    settings: Settings, nats: Nats, telemetry: Telemetry, *, write: Callable[[str], None] = print
) -> AsyncIterator[Service]:
    """The service on its own connections; `write` shows what would be pushed where there are no credentials.

    Raise `NoDatabase`, `BadCredentials`, `MigrationError` or what connecting raises.
    """
    if settings.database_url is None:
        raise NoDatabase(NoDatabase.__doc__)
    platforms = platforms_of(settings, write)
    pool = await connect(
        settings.database_url.get_secret_value(),
        size=settings.push_pool,
        timeout=settings.database_timeout,
        patience=settings.start_patience,
    )
    try:
        parts = Parts(settings, pool, nats, platforms)
        metrics.observe_all(telemetry, parts.deciding, parts.sending, parts.backlog)
        metrics.observe_intakes(telemetry, parts.intake, parts.watermarks, parts.sweeping)
        yield Service(
            name="notifier",
            routers=[parts.router],
            loops=parts.loops,
            ready={"postgres": partial(pool.fetchval, "select 1"), "nats": nats.ping},
            details={name: partial(str, state) for name, state in platforms.states.items()},
            drain=parts.sending.drain,
        )
    finally:
        await platforms.close()
        await pool.close()


class Parts:
    """Of one replica."""

    def __init__(self, settings: Settings, pool: Pool, nats: Nats, platforms: Platforms) -> None:
        app, batch = settings.app_id, settings.push_batch
        devices = Devices(pool, app, settings.push_devices)
        preferences = PreferencesTable(pool, app, settings.push_rooms)
        matters, outbox, presences = Matters(pool, app), Outbox(pool, app), Presences(nats, app)
        people = People(devices, preferences, presences)
        terms = Terms(ttl=settings.push_ttl, interval=settings.push_interval, off=platforms.off)
        self.deciding = Deciding(matters, outbox, people, terms, batch=batch)
        looking = Looking(matters, people, Badges(nats, app), terms, title=settings.push_title)
        self.sending = Sending(
            outbox,
            looking,
            devices,
            platforms.senders,
            self.deciding.due,
            deadline=settings.push_deadline,
            attempts=settings.push_attempts,
            concurrency=settings.push_concurrency,
        )
        self.returns = Returns(outbox, presences, nats, app)
        self.backlog = metrics.Backlog(matters, outbox)
        self.router = api.router(
            devices, preferences, Explanations(pool, app, devices, platforms.on), _offer(settings, platforms)
        )
        self.intake = Intake(
            pool, nats.feed(), nats, app, delay=settings.push_delay, ttl=settings.push_ttl, batch=batch
        )
        self.watermarks = WatermarkIntake(
            pool, nats.receipts(), app, batch=batch, delivered=self.returns.delivered
        )
        self.sweeping = Sweeping(pool, app, keep_days=settings.push_keep_days)
        self.loops: Sequence[Loop] = [
            pool.watch,
            self.intake.run,
            self.watermarks.run,
            self.deciding.run,
            self.sending.run,
            self.sending.recover,
            self.returns.run,
            self.backlog.run,
            self.sweeping.run,
        ]


def _offer(settings: Settings, platforms: Platforms) -> api.Offer:
    return api.Offer(
        on=platforms.on,
        public_key=platforms.public_key,
        check=platforms.guard.check,
        muted_users=settings.push_muted_users,
    )
