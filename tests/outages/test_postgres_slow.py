"""Postgres answers late: whoever asks waits for so long and no longer, and afterwards all is as before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace

import asyncpg
from faults.proxy import Proxy
from outages.ground import Ground
from processes import cluster


@asynccontextmanager
async def locked(ground: Ground) -> AsyncIterator[None]:
    """Nobody can write in any room, and everybody can read."""
    connection = await asyncpg.connect(ground.postgres.url)
    try:
        async with connection.transaction():
            await connection.execute("lock table comments.rooms in exclusive mode")
            yield
    finally:
        await connection.close()


async def test_writing_that_waits_for_a_lock_is_refused_in_time_and_reading_goes_on(ground: Ground) -> None:
    async with ground.poster() as poster:
        await poster.post_all(8)
        async with locked(ground):
            posts = [asyncio.create_task(poster.post()) for _ in range(50)]
            while not all(post.done() for post in posts):
                assert (await poster.read()).status_code == 200
                assert (await poster.is_ready())["comments.postgres"] == "ok"
                await asyncio.sleep(0.1)
        for post in posts:
            answer = post.result()
            assert (answer.status_code, answer.json()["code"]) == (503, "log_unavailable")
        assert (await poster.posts_again()).json()["offset"] == 9


async def test_a_line_that_is_too_slow_is_an_outage_until_it_is_fast_again(ground: Ground) -> None:
    port = int(ground.postgres.url.rpartition(":")[2].partition("/")[0])
    proxy = Proxy("postgres", [port], 0)
    with ExitStack() as stack:
        stack.enter_context(ground.portal.wrap_async_context_manager(proxy))
        url = ground.postgres.url.replace(f":{port}/", f":{proxy.port}/")
        told = {"PARLEY_DATABASE_TIMEOUT": "2"}
        services = stack.enter_context(cluster(url, ground.nats.url, told, fanouts=0))
        async with replace(ground, comments=services.comments[0]).poster() as poster:
            await poster.post_all(8)
            with proxy.slow(proxy.back, delay=0.1, rate=1e9):
                assert (await poster.post()).status_code == 201
            with proxy.slow(proxy.back, delay=3, rate=1e9):
                answers = await asyncio.gather(*(ask() for ask in [poster.post, poster.read] * 20))
                assert {answer.status_code for answer in answers} == {503}
            assert (await poster.posts_again()).json()["offset"] == 10
