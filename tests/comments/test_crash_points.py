"""Killed between any two steps of a post's way to the stream, and of a refill: the history is the same."""

import asyncio
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from contract.recording import PATIENCE
from crashing import STEPS
from processes import SECRET, Process, token
from servers import OwnNats
from streamlog import log_of, quiet, stream_of

from comments.database import Pool
from comments.partitions import CLASS, PRESENT
from comments.postgres import PARTITIONS, partition_of
from events import subjects
from events.jetstream import connect

TESTS = Path(__file__).parents[1]
APP = "crashing"
HALF = PARTITIONS // 2
NAMES = [f"room-{number}" for number in range(100)]
ROOMS = [
    *[room for room in NAMES if partition_of(APP, room) < HALF][:2],
    *[room for room in NAMES if partition_of(APP, room) >= HALF][:2],
]
"""Two for each of two processes, as they divide the partitions."""
POSTS = [(room, f"{room}-{number}") for number in range(10) for room in ROOMS]
"""Room and idempotency key: the work of four posters."""

Answers = dict[str, dict[str, Any]]
"""By idempotency key: the comment that was acknowledged."""


class Service:
    """Comments processes over one database and one NATS."""

    def __init__(self, environ: Mapping[str, str], stack: ExitStack) -> None:
        self._environ = environ
        self._stack = stack

    def start(self, module: str = "comments", **environ: str) -> Process:
        process = Process(module, {**self._environ, **environ})
        self._stack.callback(lambda: None if process.ended else process.stop())
        process.ready()
        return process

    def doomed(self, step: str, at: int) -> Process:
        """One that kills itself when it comes to the step for the nth time."""
        return self.start("crashing", PYTHONPATH=str(TESTS), CRASH_STEP=step, CRASH_AT=str(at))


@pytest.fixture
def service(database_url: str, own_nats: OwnNats, pool: Pool) -> Iterator[Service]:
    environ = {
        "PARLEY_DATABASE_URL": database_url,
        "PARLEY_NATS_URL": own_nats.url,
        "PARLEY_APP_ID": APP,
        "PARLEY_JWT_SECRET": SECRET,
        "PARLEY_RATE_LIMITS": "off",
        "PARLEY_RELAY_SWEEP": "0.2",
    }
    with ExitStack() as stack:
        yield Service(environ, stack)


async def post_all(process: Process) -> Answers:
    """What is acknowledged before the process dies, if it does."""
    answers: Answers = {}
    waiting = iter(POSTS)

    async def poster(client: httpx.AsyncClient) -> None:
        for room, key in waiting:
            answer = await client.post(f"/v1/rooms/{room}/comments", json={"body": key, "clientId": key})
            assert answer.status_code in (200, 201), answer.text
            answers[key] = answer.json()

    headers = {"Authorization": f"Bearer {token()}"}
    async with httpx.AsyncClient(base_url=process.url, headers=headers, timeout=PATIENCE) as client:
        posters = [asyncio.create_task(poster(client)) for _ in range(4)]
        await asyncio.wait(posters)
    for each in posters:
        assert isinstance(each.exception(), httpx.TransportError | None)
    return answers


async def check(pool: Pool, url: str, *told: Answers) -> None:
    """Every comment is there once, as acknowledged, without gaps; the stream has the same, in order."""
    await quiet(pool)
    log = await log_of(pool, APP)
    assert {room: [offset for _, offset in events] for room, events in log.items()} == {
        room: list(range(1, len(POSTS) // len(ROOMS) + 1)) for room in ROOMS
    }
    rows = await pool.fetch("select id, client_id from comments.comments")
    kept = {row["client_id"]: str(row["id"]) for row in rows}
    assert len(rows) == len(kept) == len(POSTS)
    for answers in told:
        assert {key: kept[key] for key in answers} == {key: each["id"] for key, each in answers.items()}
    assert await stream_of(url, APP) == log


async def divided(pool: Pool) -> None:
    """Wait until two processes have half of the partitions each."""
    async with asyncio.timeout(PATIENCE):
        while [row["count"] for row in await pool.fetch(_OWNED, CLASS, PRESENT)] != [HALF, HALF]:
            await asyncio.sleep(0.02)


_OWNED = """
    select count(*) from pg_locks where locktype = 'advisory' and granted and classid::bigint = $1
    and objid::int <> $2 and database = (select oid from pg_database where datname = current_database())
    group by pid
"""


@pytest.mark.parametrize(
    ("step", "at"), [*((step, 1) for step in STEPS[:5]), *((step, 5) for step in STEPS[:3])]
)
async def test_after_a_crash_the_same_posts_lead_to_the_same_history(
    service: Service, pool: Pool, own_nats: OwnNats, step: str, at: int
) -> None:
    """Fifth publish: in the middle of a batch, of which the stream has a part."""
    doomed = service.doomed(step, at)
    before = await post_all(doomed)
    assert await asyncio.to_thread(doomed.wait) == -signal.SIGKILL
    after = await post_all(service.start())
    assert len(after) == len(POSTS)
    await check(pool, own_nats.url, before, after)


@pytest.mark.parametrize("step", STEPS[:5])
async def test_a_process_that_stays_takes_over_what_the_dead_one_left(
    service: Service, pool: Pool, own_nats: OwnNats, step: str
) -> None:
    """The doomed one comes first, so that it never owns less than its half."""
    doomed, stays = service.doomed(step, 1), service.start()
    before = await post_all(doomed)
    assert await asyncio.to_thread(doomed.wait) == -signal.SIGKILL
    after = await post_all(stays)
    assert len(after) == len(POSTS)
    await check(pool, own_nats.url, before, after)


@pytest.mark.parametrize("step", STEPS[5:])
@pytest.mark.parametrize("loss", ["deleted", "purged"])
async def test_a_refill_that_is_killed_is_finished_by_the_next(
    service: Service, pool: Pool, own_nats: OwnNats, step: str, loss: str
) -> None:
    first = service.start()
    before = await post_all(first)
    await quiet(pool)
    first.stop()
    async with connect(own_nats.url, name="operator") as operator:
        manager = operator._client.jsm()
        await (manager.delete_stream if loss == "deleted" else manager.purge_stream)(subjects.STREAM)
    doomed = service.doomed(step, 1 if "written" in step else 7)
    assert await asyncio.to_thread(doomed.wait) == -signal.SIGKILL
    after = await post_all(service.start())
    assert len(after) == len(POSTS)
    await check(pool, own_nats.url, before, after)
