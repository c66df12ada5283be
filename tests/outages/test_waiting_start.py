"""A service started before what it stands on: it waits, says so, and ends if that does not come."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from outages.ground import Ground, until
from processes import SECRET, Process
from running import free_port


@contextmanager
def starting(ground: Ground, **environ: str) -> Iterator[Process]:
    """Comments, told where everything is unless `environ` says otherwise."""
    told = {
        "PARLEY_APP_ID": f"early-{uuid.uuid4().hex[:8]}",
        "PARLEY_JWT_SECRET": SECRET,
        "PARLEY_DATABASE_URL": ground.postgres.url,
        "PARLEY_NATS_URL": ground.nats.url,
    }
    process = Process("comments", told | environ)
    try:
        yield process
    finally:
        process.kill()


def lines(process: Process) -> list[dict[str, Any]]:
    return [json.loads(line) for line in process.logs]


@pytest.mark.parametrize("missing", ["postgres", "nats"])
async def test_it_waits_for_what_is_not_there_yet(ground: Ground, missing: str) -> None:
    with ExitStack() as stack:
        async with ground.without(ground.postgres if missing == "postgres" else ground.nats, "stopped"):
            process = stack.enter_context(starting(ground))
            await until(lambda: says(process, missing), bool)
        await asyncio.to_thread(process.ready)
        assert await asyncio.to_thread(process.stop) == 0
    assert len(process.logs) < 12, "".join(process.logs)


async def says(process: Process, missing: str) -> bool:
    said = [line for line in process.logs if '"warning"' in line]
    return any(missing in line.lower() for line in said)


@pytest.mark.parametrize(
    ("variable", "scheme"), [("PARLEY_DATABASE_URL", "postgresql"), ("PARLEY_NATS_URL", "nats")]
)
async def test_it_ends_with_a_status_and_the_reason_when_that_does_not_come(
    ground: Ground, variable: str, scheme: str
) -> None:
    port = free_port()
    wrong = {variable: f"{scheme}://user:password@127.0.0.1:{port}/parley", "PARLEY_START_PATIENCE": "1"}
    with starting(ground, **wrong) as process:
        assert await asyncio.to_thread(process.wait) == 1
    last = lines(process)[-1]
    assert (last["event"], last["level"]) == ("process.failed", "critical")
    assert str(port) in last["reason"]
    assert "1 s" in last["reason"]
    assert "password" not in "".join(process.logs)


async def test_an_address_that_cannot_be_right_is_not_waited_for(ground: Ground) -> None:
    with starting(ground, PARLEY_DATABASE_URL="mysql://localhost/parley") as process:
        assert await asyncio.to_thread(process.wait) == 1
    assert "postgresql" in lines(process)[-1]["reason"]
