"""Kills notifier at random moments while it sends, and looks at what people were shown.

`python -m killing --runs 50` with `tests` on the path prints what came of so many runs.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from browsers import Browser
from fakewebpush import FakeWebPush
from people import join, until
from processes import Cluster, cluster
from town import Town

from notifier.ids import tag
from notifier.vapid import Key
from parley_cli import embedded
from parley_cli.datadir import DataDir

PEOPLE = 40

LONGEST = 0.4
"""Seconds from a comment to the kill: from before it is heard of to after everybody has their push."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What came of all runs."""

    expected: int
    """Comments, times people who were to be told."""
    lost: int
    """Of which nothing was shown."""
    twice: int
    """That made a sound more than once, or are shown more than once."""
    repeated: int
    """Pushes that came again, in the place of themselves."""
    moments: int
    """Runs in which the kill found some pushes sent and others not."""


def told(key: Path) -> dict[str, str]:
    return {
        "PARLEY_PUSH_DELAY": "0",
        "PARLEY_PUSH_INTERVAL": "0",
        "PARLEY_PUSH_DEADLINE": "1",
        "PARLEY_PUSH_CONCURRENCY": "4",
        "PARLEY_WEBPUSH_KEY_FILE": str(key),
        "PARLEY_WEBPUSH_SERVICES": "*",
        "PARLEY_WEBPUSH_PRIVATE": "allow",
    }


async def kill(system: Cluster, runs: int, seed: int) -> Shown:
    """One comment a run, each in a room of its own, so that each is owed a notification of its own."""
    moments = random.Random(seed)
    async with FakeWebPush.serve() as service:
        town = Town(system, service, "", "ann", "", "")
        people = [f"p{number:02}" for number in range(PEOPLE)]
        browsers = {user: await town.browser(user) for user in people}
        split = 0
        for run in range(runs):
            town.room = f"room-{run}"
            await join(system.comments[0], town.room, town.ann, *people)
            await town.posts(town.ann, f"comment {run}")
            await asyncio.sleep(moments.uniform(0, LONGEST))
            await asyncio.to_thread(system.notifiers[0].kill)
            split += 0 < _in(browsers, system.app, town.room) < PEOPLE
            await asyncio.to_thread(system.notifiers[0].start)
            await asyncio.to_thread(system.notifiers[0].ready)
        await _settled(browsers, runs)
        assert service.faults == []
        return _judged(browsers, runs, split, len(service.arrivals))


def _in(browsers: dict[str, Browser], app: str, room: str) -> int:
    return sum(tag(app, user, room) in browser.notifications for user, browser in browsers.items())


async def _settled(browsers: dict[str, Browser], runs: int) -> None:
    async def all_shown() -> bool:
        return all(len(browser.notifications) >= runs for browser in browsers.values())

    await until(all_shown)


def _judged(browsers: dict[str, Browser], runs: int, split: int, arrivals: int) -> Shown:
    sounds = [Counter(browser.alerts) for browser in browsers.values()]
    return Shown(
        expected=runs * len(browsers),
        lost=sum(runs - len(browser.notifications) for browser in browsers.values()),
        twice=sum(count > 1 for each in sounds for count in each.values())
        + sum(len(browser.notifications) - runs for browser in browsers.values()),
        repeated=arrivals - runs * len(browsers),
        moments=split,
    )


async def main(runs: int, seed: int) -> None:
    with tempfile.TemporaryDirectory() as directory, DataDir(Path(directory) / "data") as datadir:
        key = Path(directory) / "vapid.pem"
        key.write_bytes(Key.new().pem)
        async with embedded.postgres(datadir) as postgres, embedded.nats(datadir) as nats:
            began = time.monotonic()
            with cluster(postgres.url(), nats.full_url, told(key), presences=1, notifiers=1) as system:
                shown = await kill(system, runs, seed)
    print(f"{shown} in {time.monotonic() - began:.0f} s (seed {seed})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    asyncio.run(main(asked.runs, asked.seed))
