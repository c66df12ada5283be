"""What operators see of a comment's way: one trace from the POST to the sockets, and metrics that move."""

import asyncio
import re
import uuid

import httpx
from collector import collecting
from processes import Cluster, Process, cluster, token
from servers import OwnNats

from parley import Client


async def test_a_trace_leads_from_the_post_to_the_push(database_url: str, own_nats: OwnNats) -> None:
    ours = uuid.uuid4().hex
    with collecting() as collector:
        traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "20"}
        with cluster(database_url, own_nats.url, traced) as services:
            [comments], [fanout] = services.comments, services.fanouts
            async with Client(fanout.url, token()) as bob, bob.subscribe("lobby") as seen:
                headers = {"Authorization": f"Bearer {token()}", "traceparent": f"00-{ours}-{ours[:16]}-01"}
                async with httpx.AsyncClient(base_url=comments.url, headers=headers) as http:
                    await http.post("/v1/rooms/lobby/comments", json={"body": "hi"})
                await anext(seen)
                push = await asyncio.to_thread(collector.find, lambda span: span.name == "push")
                post = await asyncio.to_thread(collector.find, lambda span: span.name.startswith("POST"))
    assert (post.service, post.trace, post.parent) == ("comments", ours, ours[:16])
    assert (push.service, push.trace, push.parent) == ("fanout", ours, post.id)


async def test_metrics_move(services: Cluster) -> None:
    [comments, *_], [fanout, *_] = services.comments, services.fanouts
    before = await metrics(comments) | await metrics(fanout)
    room = uuid.uuid4().hex
    async with (
        Client(comments.url, token()) as ann,
        Client(fanout.url, token()) as bob,
        bob.subscribe(room) as seen,
    ):
        for _ in range(3):
            await ann.post(room, "hi")
        for _ in range(3):
            await anext(seen)
        after = await metrics(comments) | await metrics(fanout)
    moved = {name: after[name] - before.get(name, 0) for name in after}
    assert moved["parley_commands_total"] == 3
    assert moved["parley_events_total"] == moved["parley_frames_total"] == 3
    assert moved["parley_sockets_accepted_total"] == 1
    assert moved["parley_push_delay_seconds_count"] == 3
    assert after["parley_sockets"] >= after["parley_members"] >= 1


async def metrics(process: Process) -> dict[str, float]:
    """Those without labels."""
    async with httpx.AsyncClient(base_url=process.url) as http:
        text = (await http.get("/metrics")).text
    return {name: float(value) for name, value in re.findall(r"^(\w+) ([\d.e+-]+)$", text, re.MULTILINE)}


async def test_services_say_that_they_live_and_are_ready(services: Cluster) -> None:
    async with httpx.AsyncClient() as http:
        for process in services.comments + services.fanouts:
            for path in ("/healthz", "/readyz"):
                assert (await http.get(process.url + path)).status_code == 200
