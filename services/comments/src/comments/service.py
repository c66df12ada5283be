"""Puts the service together: what is opened here is closed here."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from chassis.service import Loop, Service
from chassis.telemetry import Telemetry
from chassis.waiting import until_there
from comments import api, metrics, plan, unread_api
from comments.actions import Actions
from comments.audiences import Audiences, watermarks_of
from comments.changes import Changed
from comments.database import Pool, connect
from comments.followers import Followers
from comments.intake import Intake
from comments.log import Stored
from comments.partitions import Partitions
from comments.postgres import PostgresLog
from comments.questions import Turns
from comments.reader import Reader
from comments.relay import Relay
from comments.replay import replay
from comments.settings import Settings
from comments.unread import UnreadReader
from comments.unread_answers import unread_of
from comments.upkeep import Upkeep
from comments.writer import Writer
from events import Contents, StreamError, decode, subjects
from events.jetstream import Nats


class NoDatabase(Exception):
    """PARLEY_DATABASE_URL is not set: comments keeps its log in Postgres."""


@asynccontextmanager
async def open_service(settings: Settings, nats: Nats, telemetry: Telemetry) -> AsyncIterator[Service]:
    """The service on its own connections. Raise `NoDatabase`, `MigrationError` or what connecting raises."""
    if settings.database_url is None:
        raise NoDatabase(NoDatabase.__doc__)
    url, app = settings.database_url.get_secret_value(), settings.app_id
    pool = await connect(
        url,
        size=settings.database_pool,
        timeout=settings.database_timeout,
        patience=settings.start_patience,
    )
    upkeep = Upkeep(pool, await _contents(settings, nats))
    partitions = Partitions(url)
    pipelined = settings.stream_replicas == 1
    relay = Relay(pool, partitions, nats, nats, upkeep, sweep=settings.relay_sweep, pipelined=pipelined)
    log = PostgresLog(pool, app, most_mentions=settings.mentions_limit)
    changed = Changed(nats, app)
    relay.found = partial(_tell, changed, app)
    writer = Writer(log, relay.committed, changed.add, waiting=settings.waiting_limit)
    reader, reading = Reader(pool, app), _reading(settings, pool, nats)
    turns = Turns(max(1, settings.database_pool - 4), settings.replay_waiting)
    pages = replay(reader, nats, app, turns)
    actions = Actions(writer, reader, body_limit=settings.body_limit)
    metrics.observe(telemetry, writer, relay, upkeep, pages, turns)
    metrics.observe_receipts(telemetry, reading.intake, reading.turns)

    def restored(_subject: str, _epoch: bytes) -> None:
        log.forget()
        relay.recheck()

    stop = await nats.listen(subjects.restored("*"), restored)
    try:
        yield Service(
            name="comments",
            routers=[
                api.router(actions, reader, reading.audiences),
                unread_api.router(reading.unread),
                plan.router(actions, reading.audiences),
            ],
            shortcuts=[api.shortcut(actions)],
            loops=[pool.watch, writer.run, relay.run, pages.run, changed.run, *reading.loops],
            ready={"postgres": reader.ping, "nats": nats.ping},
        )
    finally:
        await stop()
        await partitions.close()
        await pool.close()


@dataclass(frozen=True, slots=True)
class _Reading:
    """What members have been delivered and have read: who takes it, and who answers it."""

    audiences: Audiences
    unread: UnreadReader
    intake: Intake
    turns: Turns
    loops: Sequence[Loop]


def _tell(changed: Changed, app: str, found: Sequence[Stored]) -> None:
    """What is in the outbox may be of a process that was killed before it told of it."""
    changed.add(
        decode(each.record.data) for each in found if each.record.app == app and not each.record.refill
    )


def _reading(settings: Settings, pool: Pool, nats: Nats) -> _Reading:
    app = settings.app_id
    audiences, unread = Audiences(pool, app), UnreadReader(pool, app)
    turns = Turns(min(2, settings.database_pool - 2), settings.questions_waiting)
    questions = [
        watermarks_of(audiences, nats, app, turns).run,
        unread_of(unread, nats, app, turns, rooms=settings.unread_rooms).run,
    ]
    followers = Followers(pool, nats, app)
    batch, replicas = settings.receipts_batch, settings.stream_replicas
    intake = Intake(pool, nats.receipts(), followers, app, batch=batch, replicas=replicas)
    return _Reading(audiences, unread, intake, turns, [*questions, intake.run, followers.run])


async def _contents(settings: Settings, nats: Nats) -> Contents:
    """Of the stream, which is there from now on, as is that of receipts: a starting cluster takes a while."""
    contents, replicas = nats.contents(replicas=settings.stream_replicas), settings.stream_replicas
    for name, ensure in (
        ("the stream", contents.ensure_stream),
        ("the stream of receipts", partial(nats.receipts().ensure_receipts, replicas=replicas)),
    ):
        await until_there(
            name,
            ensure,
            patience=settings.start_patience,
            passing=lambda error: isinstance(error, StreamError),
        )
    return contents
