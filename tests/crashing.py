"""`python -m crashing`: the comments service, killed at the step that a test chose.

The ports are wrapped here, from outside: `CRASH_STEP` names the step, `CRASH_AT` counts how often it is
reached before the process kills itself, as kill -9 does.
"""

import asyncio
import os
import signal
from collections.abc import Iterable, Sequence

from comments import outbox, service
from comments.__main__ import main
from comments.commands import Command
from comments.database import Pool
from comments.log import Outcome, Stored
from comments.postgres import PostgresLog
from events import Record, jetstream

STEP = os.environ.get("CRASH_STEP")
STEPS = (
    "before append",
    "after commit, before publish",
    "after publish, before ack",
    "after ack, before outbox removal",
    "after outbox removal",
    "in a refill, before it is written",
    "in a refill, after some of it is written",
    "in a refill, after some of it is published",
)

_times = int(os.environ.get("CRASH_AT", "0"))


def reached(step: str) -> None:
    global _times
    if step == STEP:
        _times -= 1
        if _times == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Log(PostgresLog):
    async def append(self, commands: Sequence[Command]) -> list[Outcome | Exception]:
        reached("before append")
        outcomes = await super().append(commands)
        reached("after commit, before publish")
        return outcomes


class Nats(jetstream.Nats):
    async def publish(self, record: Record) -> asyncio.Future[int]:
        ack = await super().publish(record)
        if STEP == "after publish, before ack":
            await self._client.flush()
            reached("after publish, before ack")
        if record.refill:
            reached("in a refill, after some of it is published")
        return ack


async def delete(pool: Pool, confirmed: Sequence[tuple[Stored, int]]) -> None:
    reached("after ack, before outbox removal")
    await _delete(pool, confirmed)
    reached("after outbox removal")


async def insert(pool: Pool, ranges: Iterable[outbox.Range], refill: int, seconds: float) -> int:
    reached("in a refill, before it is written")
    inserted = await _insert(pool, ranges, refill, seconds)
    reached("in a refill, after some of it is written")
    return inserted


_delete, _insert = outbox.delete, outbox.insert

if __name__ == "__main__":
    for module, name, wrapped in (
        (service, "PostgresLog", Log),
        (jetstream, "Nats", Nats),
        (outbox, "delete", delete),
        (outbox, "insert", insert),
    ):
        assert hasattr(module, name)
        setattr(module, name, wrapped)
    main()
