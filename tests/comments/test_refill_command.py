"""`refill`: what an operator's command has done about the stream."""

import pytest
from relays import ROOMS, Installation, delete, republish
from servers import OwnNats
from streamlog import stream_of

from comments.database import Pool
from comments.partitions import Partitions
from comments.refill import Unfinished, refill
from events.jetstream import Nats, connect


class Steps:
    """Progress, as a command shows it."""

    def __init__(self) -> None:
        self.all: list[tuple[int, int]] = []

    def __call__(self, done: int, total: int) -> None:
        assert 0 <= done <= total
        self.all.append((done, total))


@pytest.mark.parametrize("running", [0, 2])
async def test_the_command_fills_the_stream_whether_the_system_runs_or_not(
    installation: Installation, admin: Nats, database_url: str, pool: Pool, running: int
) -> None:
    await installation.start()
    await installation.post(*ROOMS, *ROOMS)
    await installation.equal()
    await installation.crash(installation.relays[0])
    for _ in range(running):
        await installation.start()
    await delete(admin)
    steps = Steps()
    assert await refill(database_url, pool, admin, steps) == 2 * len(ROOMS)
    assert steps.all[-1] == (2 * len(ROOMS), 2 * len(ROOMS))
    await installation.equal()
    assert await refill(database_url, pool, admin, steps) == 0


async def test_the_command_can_begin_with_an_empty_stream(
    installation: Installation, admin: Nats, database_url: str, pool: Pool, app: str
) -> None:
    """What the log knows nothing of goes too, but nothing of another app."""
    await installation.start()
    await installation.post(*ROOMS)
    await installation.equal()
    await republish(admin, app, "unknown", "e1", 1, 2)
    await republish(admin, "another", "room", "e1", 1)
    assert await refill(database_url, pool, admin, Steps(), afresh=True) == len(ROOMS)
    await installation.equal()
    assert len((await stream_of(installation.server.url, "another"))["room"]) == 1


async def test_the_command_says_what_remains_when_nothing_moves(
    installation: Installation, own_nats: OwnNats, database_url: str, pool: Pool
) -> None:
    await installation.start()
    await installation.post(*ROOMS)
    await installation.equal()
    async with connect(own_nats.url, name="command") as nats:
        await installation.crash(installation.relays[0])
        partitions = Partitions(database_url)
        await partitions.settle()
        with pytest.raises(Unfinished, match="32 of 32 partitions are not compared"):
            await refill(database_url, pool, nats, Steps(), patience=0.2)
        await partitions.close()
