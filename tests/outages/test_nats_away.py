"""NATS is away: posts are taken, sockets stay open, and on its return everything comes, in order, once."""

import httpx
import pytest
from outages.ground import Ground, until, upto

POSTS = 160
LONG = "long " * 1_500
"""So many of these, sent again and again, fill the buffers of a connection that nobody reads."""


@pytest.mark.parametrize("how", ["stopped", "killed", "frozen"])
async def test_posts_are_taken_and_reach_every_open_socket_later(ground: Ground, how: str) -> None:
    async with (
        ground.poster() as poster,
        ground.watcher(poster.room) as first,
        ground.watcher(poster.room) as second,
    ):
        await poster.post_all(8)
        await first.hear(8)
        async with ground.without(ground.nats, how):
            await poster.post_all(POSTS, LONG)
            size = await until(lambda: poster.metric("parley_outbox_size"), lambda size: size >= POSTS)
            assert size == POSTS
            assert await poster.metric("parley_outbox_age_seconds") > 0
            checks = await poster.is_ready()
            assert checks["comments.postgres"] == "ok"
            assert checks["comments.nats"] != "ok"
        await poster.post_all(8)
        for watcher in (first, second):
            await watcher.hear(POSTS + 16)
            assert watcher.offsets == upto(POSTS + 16)
        await until(lambda: poster.metric("parley_outbox_size"), lambda size: size == 0)
        await until(poster.is_ready, lambda checks: set(checks.values()) == {"ok"})


@pytest.mark.parametrize("how", ["stopped", "killed", "frozen"])
async def test_clients_are_told_when_live_events_stop_and_when_they_flow_again(
    ground: Ground, how: str
) -> None:
    async with ground.poster() as poster, ground.watcher(poster.room) as watcher:
        async with ground.without(ground.nats, how):
            await watcher.told("degraded")
            await poster.post_all(8)
            async with ground.watcher("another-room", "late") as late:
                assert late.said[:2] == ["connected", "degraded"]
        await watcher.told("restored")
        assert watcher.offsets == upto(8)
        assert (await watcher.ask("typing", room=poster.room))["type"] == "ok"


async def test_readiness_that_was_asked_in_a_pause_of_nats_breaks_nothing(ground: Ground) -> None:
    """The pong that comes after the question was given up ended the connection's reading."""
    async with ground.poster() as poster, ground.watcher(poster.room) as watcher, httpx.AsyncClient() as http:
        async with ground.without(ground.nats, "frozen"):
            assert (await poster.is_ready())["comments.nats"] != "ok"
            assert (await http.get(f"{ground.fanout.url}/readyz")).status_code == 503
        await poster.post_all(8)
        await watcher.hear(8)
        assert [said for said in watcher.said if said != "receipts"] == ["connected", "subscribed"]


async def test_an_outage_is_a_few_lines_in_the_log(ground: Ground) -> None:
    before = len(ground.comments.logs)
    async with ground.poster() as poster:
        async with ground.without(ground.nats, "stopped"):
            await poster.post_all(8)
            await until(lambda: poster.metric("parley_outbox_age_seconds"), lambda age: age > 2)
        await until(lambda: poster.metric("parley_outbox_size"), lambda size: size == 0)
    lines = ground.comments.logs[before:]
    assert len([line for line in lines if "dependency.failed" not in line]) < 10, "".join(lines)
