"""Puts the service together: what is opened here is closed here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis.service import Service
from chassis.telemetry import Telemetry
from comments import api, plan
from comments.actions import Actions
from comments.database import connect
from comments.partitions import Partitions
from comments.postgres import PostgresLog
from comments.reader import Reader
from comments.relay import Relay
from comments.replay import Replay
from comments.settings import Settings
from comments.writer import Writer
from events.jetstream import Nats


class NoDatabase(Exception):
    """PARLEY_DATABASE_URL is not set: comments keeps its log in Postgres."""


@asynccontextmanager
async def open_service(settings: Settings, nats: Nats, telemetry: Telemetry) -> AsyncIterator[Service]:
    """The service on its own connections. Raise `NoDatabase`, `MigrationError` or what connecting raises."""
    if settings.database_url is None:
        raise NoDatabase(NoDatabase.__doc__)
    url = settings.database_url.get_secret_value()
    pool = await connect(url, size=settings.database_pool, timeout=settings.database_timeout)
    await nats.ensure_stream(replicas=settings.stream_replicas)
    partitions = Partitions(url)
    relay = Relay(pool, partitions, nats, nats, sweep=settings.relay_sweep)
    writer = Writer(PostgresLog(pool, settings.app_id), relay.committed, waiting=settings.waiting_limit)
    reader = Reader(pool, settings.app_id)
    replay = Replay(reader, nats, settings.app_id)
    actions = Actions(writer, reader, body_limit=settings.body_limit)
    _observe(telemetry, writer, relay, replay)
    try:
        yield Service(
            name="comments",
            routers=[api.router(actions, reader), plan.router(actions)],
            shortcuts=[api.shortcut(actions)],
            loops=[writer.run, relay.run, replay.run],
            ready={"postgres": reader.ping, "nats": nats.ping},
        )
    finally:
        await partitions.close()
        await pool.close()


def _observe(telemetry: Telemetry, writer: Writer, relay: Relay, replay: Replay) -> None:
    figures = relay.figures
    observe = telemetry.observe
    observe("parley.commands", "1", "Commands written to the log or refused", lambda: writer.commands)
    observe("parley.batches", "1", "Transactions they took", lambda: writer.batches)
    observe("parley.waiting", "1", "Commands that wait to be written", lambda: writer.depth, kind="gauge")
    observe("parley.relay.published", "1", "Events the stream confirmed", lambda: figures.published)
    observe("parley.relay.failures", "1", "Publishes it did not confirm", lambda: figures.failures)
    observe("parley.outbox.size", "1", "Events that wait for it", lambda: figures.outbox_size, kind="gauge")
    observe("parley.outbox.age", "s", "Age of the oldest of them", lambda: figures.outbox_age, kind="gauge")
    observe("parley.replay.pages", "1", "Pages of the log that were asked for", lambda: replay.served)
