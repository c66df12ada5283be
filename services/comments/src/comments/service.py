"""Puts the service together: what is opened here is closed here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis.service import Service
from chassis.telemetry import Telemetry
from chassis.waiting import until_there
from comments import api, plan
from comments.actions import Actions
from comments.database import connect
from comments.partitions import Partitions
from comments.postgres import PostgresLog
from comments.reader import Reader
from comments.relay import Relay
from comments.replay import Replay
from comments.settings import Settings
from comments.upkeep import Upkeep
from comments.writer import Writer
from events import Contents, StreamError, subjects
from events.jetstream import Nats


class NoDatabase(Exception):
    """PARLEY_DATABASE_URL is not set: comments keeps its log in Postgres."""


@asynccontextmanager
async def open_service(settings: Settings, nats: Nats, telemetry: Telemetry) -> AsyncIterator[Service]:
    """The service on its own connections. Raise `NoDatabase`, `MigrationError` or what connecting raises."""
    if settings.database_url is None:
        raise NoDatabase(NoDatabase.__doc__)
    url = settings.database_url.get_secret_value()
    pool = await connect(
        url,
        size=settings.database_pool,
        timeout=settings.database_timeout,
        patience=settings.start_patience,
    )
    contents = await _contents(settings, nats)
    partitions = Partitions(url)
    upkeep = Upkeep(pool, contents)
    pipelined = settings.stream_replicas == 1
    relay = Relay(pool, partitions, nats, nats, upkeep, sweep=settings.relay_sweep, pipelined=pipelined)
    log = PostgresLog(pool, settings.app_id)
    writer = Writer(log, relay.committed, waiting=settings.waiting_limit)
    reader = Reader(pool, settings.app_id)
    at_once, waiting = settings.database_pool - 2, settings.replay_waiting
    replay = Replay(reader, nats, settings.app_id, at_once=at_once, waiting=waiting)
    actions = Actions(writer, reader, body_limit=settings.body_limit)
    _observe(telemetry, writer, relay, upkeep, replay)

    def restored(_subject: str, _epoch: bytes) -> None:
        log.forget()
        relay.recheck()

    stop = await nats.listen(subjects.restored("*"), restored)
    try:
        yield Service(
            name="comments",
            routers=[api.router(actions, reader), plan.router(actions)],
            shortcuts=[api.shortcut(actions)],
            loops=[pool.watch, writer.run, relay.run, replay.run],
            ready={"postgres": reader.ping, "nats": nats.ping},
        )
    finally:
        await stop()
        await partitions.close()
        await pool.close()


async def _contents(settings: Settings, nats: Nats) -> Contents:
    """Of the stream, which is there from now on: a cluster that is starting takes a while to have it."""
    contents = nats.contents(replicas=settings.stream_replicas)
    await until_there(
        "the stream",
        contents.ensure_stream,
        patience=settings.start_patience,
        passing=lambda error: isinstance(error, StreamError),
    )
    return contents


def _observe(telemetry: Telemetry, writer: Writer, relay: Relay, upkeep: Upkeep, replay: Replay) -> None:
    figures = relay.figures
    observe = telemetry.observe
    observe("parley.commands", "1", "Commands written to the log or refused", lambda: writer.commands)
    observe("parley.batches", "1", "Transactions they took", lambda: writer.batches)
    observe("parley.waiting", "1", "Commands that wait to be written", lambda: writer.depth, kind="gauge")
    observe("parley.relay.published", "1", "Events the stream confirmed", lambda: figures.published)
    observe("parley.relay.failures", "1", "Publishes it did not confirm", lambda: figures.failures)
    observe("parley.relay.refilled", "1", "Events the stream had lost", lambda: upkeep.refilled)
    observe("parley.outbox.size", "1", "Events that wait for it", lambda: figures.outbox_size, kind="gauge")
    observe("parley.outbox.age", "s", "Age of the oldest of them", lambda: figures.outbox_age, kind="gauge")
    observe("parley.replay.pages", "1", "Pages of the log that were asked for", lambda: replay.served)
    observe(
        "parley.replay.waiting", "1", "Requests for pages that wait", lambda: replay.waiting, kind="gauge"
    )
    observe("parley.replay.turned_away", "1", "Requests that were not read", lambda: replay.turned_away)
