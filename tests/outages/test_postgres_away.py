"""Postgres is away: 503 and when to come back; what is live goes on, and on its return all is as before."""

import asyncio
import os
import signal
import uuid

import httpx
import pytest
from outages.ground import Ground, until, upto

LOCKS = 33
"""Of a relay that is alone: 32 partitions, and that it is present."""

BESIDE = {"presence", "receipts"}
"""What members are shown of each other, whenever that is known."""


def refused(answers: list[httpx.Response]) -> None:
    for answer in answers:
        assert answer.status_code == 503, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["code"] == "log_unavailable"


async def connections(ground: Ground) -> int:
    """Of the service, to the pool and the relay."""
    query = "select count(*) from pg_stat_activity where application_name like 'parley%'"
    return int(await ground.ask_postgres(query))


async def locks(ground: Ground) -> int:
    return int(await ground.ask_postgres("select count(*) from pg_locks where locktype = 'advisory'"))


@pytest.mark.parametrize("how", ["stopped", "killed", "frozen"])
async def test_everything_is_refused_and_nothing_hangs_until_it_is_back(ground: Ground, how: str) -> None:
    async with ground.poster() as poster, ground.watcher(poster.room) as watcher:
        await poster.post_all(8)
        async with ground.without(ground.postgres, how):
            refused(await asyncio.gather(*(poster.post() for _ in range(50))))
            refused(await asyncio.gather(*(poster.read() for _ in range(50))))
            checks = await poster.is_ready()
            assert checks["comments.nats"] == "ok"
            assert checks["comments.postgres"] != "ok"
        await poster.posts_again()
        await poster.post_all(80)
        last = (await poster.read()).json()["head"]
        await watcher.hear(last)
        assert watcher.offsets == upto(last)
        assert set(watcher.said) - BESIDE == {"connected", "subscribed"}
    await until(lambda: locks(ground), lambda count: count == LOCKS)
    assert await connections(ground) <= 9


async def test_what_is_in_nats_is_streamed_and_signals_go_on(ground: Ground) -> None:
    async with (
        ground.poster() as poster,
        ground.watcher(poster.room) as watcher,
        ground.watcher(poster.room, "u3") as other,
    ):
        os.kill(ground.fanout.pid, signal.SIGSTOP)
        await poster.post_all(40)
        await until(lambda: poster.metric("parley_outbox_size"), lambda size: size == 0)
        async with ground.without(ground.postgres, "frozen"):
            os.kill(ground.fanout.pid, signal.SIGCONT)
            await watcher.hear(40)
            assert (await other.ask("typing", room=poster.room))["type"] == "ok"
            await watcher.told_signal("typing")
            refusal = await other.ask("subscribe", room="never-seen-before")
            assert (refusal["type"], refusal["code"]) == ("error", "unavailable")
        await until(
            lambda: other.ask("subscribe", room="seen-after"), lambda answer: answer["type"] == "subscribed"
        )
        assert watcher.offsets == upto(40)


async def test_connections_that_are_cut_cost_a_repetition_at_most(ground: Ground) -> None:
    async with ground.poster() as poster, ground.watcher(poster.room) as watcher:
        for _ in range(3):
            await poster.post_all(8)
            await ground.ask_postgres(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity "
                "where application_name like 'parley%'"
            )
            await poster.posts_again()
        last = (await poster.read()).json()["head"]
        assert last == 27
        await watcher.hear(last)
        assert watcher.offsets == upto(last)
    await until(lambda: locks(ground), lambda count: count == LOCKS)


async def test_a_post_whose_commit_is_not_known_is_refused_and_there_once(ground: Ground) -> None:
    """A commit that waits for a replica which never answers is durable here, and not confirmed."""
    key = uuid.uuid4().hex
    async with ground.poster() as poster, ground.watcher(poster.room) as watcher:
        await poster.post_all(8)
        await replica(ground, "'nobody'")
        try:
            refused([await poster.post(key=key)])
        finally:
            await replica(ground, "''")
        repeated = await until(lambda: poster.post(key=key), lambda answer: answer.status_code != 503)
        assert (repeated.status_code, repeated.json()["offset"]) == (200, 9)
        await watcher.hear(9)
        assert (await poster.post()).json()["offset"] == 10
        await watcher.hear(10)
        assert watcher.offsets == upto(10)


async def replica(ground: Ground, name: str) -> None:
    """Whom each commit waits for."""
    await ground.ask_postgres(f"alter system set synchronous_standby_names = {name}")
    await ground.ask_postgres("select pg_reload_conf()")
    shown = "select setting from pg_settings where name = 'synchronous_standby_names'"
    await until(lambda: ground.ask_postgres(shown), lambda setting: setting == name.strip("'"))


async def test_a_service_that_is_stopped_meanwhile_ends_in_order(ground: Ground) -> None:
    async with ground.poster() as poster:
        async with ground.without(ground.postgres, "frozen"):
            asking = [asyncio.create_task(poster.post()) for _ in range(8)]
            status = await asyncio.to_thread(ground.comments.stop)
            answers = await asyncio.gather(*asking, return_exceptions=True)
        assert status == 0, "".join(ground.comments.logs[-20:])
        assert not any(isinstance(answer, httpx.Response) and answer.status_code == 201 for answer in answers)
        ground.comments.start()
        await asyncio.to_thread(ground.comments.ready)
    async with ground.poster() as poster:
        assert (await poster.posts_again()).json()["offset"] == 1
