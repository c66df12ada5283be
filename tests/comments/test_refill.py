"""The stream loses what it had, in every way it can; the relays make it equal to the log again."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest
from contract.recording import Heard
from relays import ROOMS, Installation, delete, empty, posting, purge, republish, store
from streamlog import quiet, stream_of

from comments import marks, outbox
from comments.database import Pool
from comments.postgres import PARTITIONS, partition_of
from comments.refill import doubt
from events import Record, subjects
from events.jetstream import Nats

Loss = Callable[[Nats], Awaitable[None]]
losses = pytest.mark.parametrize("lose", [delete, purge, empty])


@losses
async def test_a_stream_that_loses_everything_is_refilled_in_order(
    installation: Installation, admin: Nats, lose: Loss
) -> None:
    await installation.start()
    for _ in range(5):
        await installation.post(*ROOMS)
    await installation.equal()
    await lose(admin)
    await installation.equal()


@losses
async def test_it_is_refilled_while_several_processes_publish(
    installation: Installation, admin: Nats, lose: Loss
) -> None:
    await installation.start()
    await installation.start()
    async with posting(installation):
        await asyncio.sleep(0.5)
        await lose(admin)
        await asyncio.sleep(1)
    await installation.equal()


@losses
async def test_what_was_lost_while_nobody_looked_is_found_at_the_start(
    installation: Installation, admin: Nats, app: str, lose: Loss
) -> None:
    async with AsyncExitStack() as first:
        before = Installation(installation.pool, installation.url, installation.server, app, first)
        await before.start()
        await before.post(*ROOMS, *ROOMS)
        await before.equal()
    await lose(admin)
    await installation.post(*ROOMS)
    await installation.start()
    await installation.equal()


async def test_a_server_that_comes_back_with_nothing_is_filled(installation: Installation) -> None:
    await installation.start()
    await installation.start()
    await installation.post(*ROOMS, *ROOMS)
    await installation.equal()
    async with posting(installation):
        await installation.server.kill()
        shutil.rmtree(store(installation.server))
        await installation.server.start()
        await asyncio.sleep(1)
    await installation.equal()


async def test_the_end_that_a_power_cut_took_is_published_again(
    installation: Installation, tmp_path: Path
) -> None:
    """The stream comes back as it was a moment ago, and is soon longer than it had been."""
    await installation.start()
    await installation.start()
    await installation.post(*ROOMS)
    await installation.equal()
    server, kept = installation.server, store(installation.server)
    await server.stop()
    shutil.copytree(kept, tmp_path / "earlier")
    await server.start()
    async with posting(installation):
        await asyncio.sleep(0.5)
        await server.kill()
        shutil.rmtree(kept)
        shutil.copytree(tmp_path / "earlier", kept)
        await server.start()
        await asyncio.sleep(0.5)
    await installation.equal()


async def test_a_stream_that_is_whole_is_left_alone(installation: Installation) -> None:
    relay = await installation.start()
    await installation.post(*ROOMS)
    await installation.equal()
    await doubt(installation.pool)
    await quiet(installation.pool)
    await installation.server.kill()
    await installation.server.start()
    await installation.post(*ROOMS)
    await installation.equal()
    assert relay.figures.published == 2 * len(ROOMS)


@pytest.mark.parametrize("epoch", ["same", "other"])
async def test_a_room_that_is_not_as_the_log_has_it_is_published_from_its_beginning(
    installation: Installation, admin: Nats, app: str, epoch: str
) -> None:
    """Out of order, with a hole, or with events of a history that is no more."""
    await installation.start()
    await installation.post(*ROOMS, *ROOMS, *ROOMS)
    await installation.equal()
    [row] = await installation.pool.fetch("select epoch from comments.log")
    await republish(admin, app, ROOMS[0], row["epoch"] if epoch == "same" else "other", 3, 2)
    await admin._client.jsm().delete_msg(subjects.STREAM, 25)
    await doubt(installation.pool)
    await installation.equal()


async def test_a_log_that_is_older_than_its_stream_is_noticed(
    installation: Installation, owner: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    await installation.start()
    await installation.post(*["lobby"] * 5, "other")
    await installation.equal()
    await owner.execute('delete from comments.events where "offset" > 3')
    await owner.execute("update comments.rooms set head = least(head, 3)")
    await doubt(installation.pool)
    await installation.equal()
    assert [line.levelname for line in caplog.records if "parley log restored" in line.message] == ["ERROR"]


async def test_a_foreign_message_holds_nothing_up(installation: Installation, admin: Nats, app: str) -> None:
    await installation.start()
    await installation.post(*ROOMS)
    await installation.equal()
    await admin._client.jetstream().publish(subjects.event(app, ROOMS[0], "comment.posted"), b"hello")
    await doubt(installation.pool)
    await installation.equal()


async def test_events_that_the_stream_may_drop_for_their_age_are_not_published_again(
    installation: Installation, admin: Nats, owner: asyncpg.Connection, app: str
) -> None:
    await installation.start()
    await installation.post(*["lobby"] * 10)
    await installation.post("old")
    await installation.equal()
    await owner.execute(
        "update comments.events set at = at - interval '30 days' where \"offset\" <= 4 or room = 2"
    )
    await purge(admin)
    await installation.post("lobby")
    async with asyncio.timeout(30):
        while [offset for _, offset in (await stream_of(installation.server.url, app))["lobby"]] != list(
            range(5, 12)
        ):
            await asyncio.sleep(0.05)
    await quiet(installation.pool)
    assert set(await stream_of(installation.server.url, app)) == {"lobby"}


async def test_a_refill_that_a_crash_ended_is_taken_up_by_the_next_process(
    installation: Installation, admin: Nats, pool: Pool, app: str
) -> None:
    await installation.start()
    await installation.post(*ROOMS, *ROOMS)
    await installation.equal()
    await installation.crash(installation.relays[0])
    await purge(admin)
    number = await marks.begin(pool, range(PARTITIONS))
    [row] = await pool.fetch("select key from comments.rooms where id = $1", ROOMS[0])
    assert await outbox.insert(pool, [(partition_of(app, ROOMS[0]), row["key"], 0, 1)], number, 3600) == 1
    await installation.start()
    await installation.equal()


async def test_who_follows_a_room_hears_what_is_new_before_the_room_is_filled(
    installation: Installation, admin: Nats, app: str
) -> None:
    """Whoever posts: the owner of the room's partition, or a process that only wakes it."""
    for _ in range(30):
        await installation.post(*["lobby"] * 500)
    await installation.start()
    await installation.start()
    await installation.equal()
    heard = Heard[Record]()
    await admin.follow(app, "lobby", heard)
    await delete(admin)
    async with asyncio.timeout(30):
        while not all(relay._filling for relay in installation.relays):
            await asyncio.sleep(0.01)
    for number in range(6):
        await installation.post("lobby", by=number)
    await installation.equal()
    order = [record.offset for record in await heard.until(15_006)]
    assert order.index(15_006) < order.index(15_000)
    assert set(order) >= set(range(1, 15_007))
