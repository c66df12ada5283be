"""A run: people post and listen, things break and are mended, and in the end the record is judged."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from faults import outcome
from faults.breaking import Breaker, targets
from faults.checker import Verdict, judge
from faults.history import Ended, Record, Recorder, Run
from faults.installation import Installation, Make, installation
from faults.listeners import Listener, listeners, some
from faults.nats_cluster import NODES
from faults.posters import Poster
from faults.schedule import Fault, Plan, schedule
from faults.tokens import Tokens
from processes import SECRET

ARTEFACTS = Path(__file__).resolve().parents[2] / "artefacts" / "faults"
"""Where runs leave what somebody may want to look at."""

POSTERS = 20

WARM_UP = 2.0
"""Seconds of posts before the first fault, and after the last."""

JOIN = 60.0
"""Seconds until everybody is in their rooms."""

LOOK = 0.5


@dataclass(frozen=True)
class Experiment:
    """What is done in a run."""

    seed: int
    seconds: float
    """For which faults begin."""
    clients: int = 200
    rooms: int = 20
    rooms_each: int = 3
    sorts: Sequence[str] = ("sdk", "native", "sdk", "native", "sse")
    """Of clients, in turn."""
    rate: float = 50.0
    """Comments per second, of all posters."""
    catch_up: float = 90.0
    """Seconds after which whoever has not come as far as the log never will."""
    make: Make = field(default_factory=Make)
    plan: Plan = field(default_factory=lambda: Plan({}))
    """With targets, only these are broken; else everything is."""

    def faults(self, installed: Installation) -> tuple[Plan, list[Fault]]:
        plan = self.plan
        if not plan.targets:
            plan = replace(plan, targets=targets(installed), groups=[frozenset(NODES)])
        return plan, list(schedule(plan, self.seed, self.seconds))

    @property
    def variant(self) -> str:
        return "three NATS, R3" if self.make.clustered else "one NATS"


Progress = Callable[[str], None]
"""Told every second what has been done."""


async def run(experiment: Experiment, directory: Path, progress: Progress, *, keep: bool = False) -> Verdict:
    """Everything that was started has been stopped when it returns.

    The directory is this run's alone. The record and the logs stay there if something is wrong, or `keep`.
    """
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    path = directory / "record.jsonl"
    async with installation(directory / "servers", experiment.make) as installed:
        with Recorder(path) as recorder:
            try:
                await _work(experiment, installed, recorder, progress)
            finally:
                _keep_logs(installed, directory, progress)
    verdict = await asyncio.to_thread(judge, Record(path))
    if not (verdict.findings or keep):
        shutil.rmtree(directory)
    return verdict


def _keep_logs(installed: Installation, directory: Path, progress: Progress) -> None:
    """And tell what is no finding, but worth a look."""
    for service in installed.services:
        (directory / f"{service.name}.log").write_text(service.logs)
        tracebacks = service.logs.count("Traceback (most recent call last)")
        if service.deaths or tracebacks:
            progress(f"{service.name} ended by itself {service.deaths} times, {tracebacks} tracebacks\n")


async def _work(
    experiment: Experiment, installed: Installation, recorder: Recorder, progress: Progress
) -> None:
    recorder.note(Run(experiment.seed, experiment.variant, time.monotonic()))
    tokens = Tokens(SECRET)
    rooms = [f"room-{number:02}" for number in range(experiment.rooms)]
    listeners = _listeners(experiment, installed, rooms, recorder, tokens)
    posters = _posters(experiment, installed, rooms, recorder, tokens)
    plan, faults = experiment.faults(installed)
    breaker = Breaker(installed, tokens, plan, recorder)
    watches = [service.watch() for service in installed.services]
    report = _report(progress, breaker, len(faults), listeners, posters)
    async with _meanwhile(*(each.run() for each in listeners), *watches, report):
        await _all_joined(listeners)
        await _post_meanwhile(posters, breaker.run(faults))
        await _caught_up(installed, listeners, experiment.catch_up)
        recorder.note(Ended(True, time.monotonic()))
    async for logged in outcome.log(installed.database_url):
        recorder.note(logged)
    async for streamed in outcome.stream(installed.nats_urls[0]):
        recorder.note(streamed)


async def _post_meanwhile(posters: Sequence[Poster], breaking: Coroutine[None, None, None]) -> None:
    async with asyncio.TaskGroup() as posting:
        for poster in posters:
            posting.create_task(poster.run())
        await asyncio.sleep(WARM_UP)
        await breaking
        await asyncio.sleep(WARM_UP)
        for poster in posters:
            poster.enough.set()


async def _all_joined(listeners: Sequence[Listener]) -> None:
    async with asyncio.timeout(JOIN):
        while any(None in each.diary.places.values() for each in listeners):
            await asyncio.sleep(LOOK)


async def _caught_up(installed: Installation, listeners: Sequence[Listener], seconds: float) -> None:
    """Return when everyone has seen the whole log and the stream has it all, or after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        heads, waiting = await outcome.heads(installed.database_url)
        seen = all(each.diary.has(heads) for each in listeners)
        if seen and not waiting and await outcome.held(installed.nats_urls[0]) >= sum(heads.values()):
            return
        await asyncio.sleep(LOOK)


def _listeners(
    experiment: Experiment, installed: Installation, rooms: list[str], recorder: Recorder, tokens: Tokens
) -> list[Listener]:
    each = some(rooms, experiment.rooms_each, experiment.clients, experiment.seed)
    places = installed.entrances("fanout")
    return listeners(experiment.sorts, experiment.clients, each, places, recorder, tokens)


def _posters(
    experiment: Experiment, installed: Installation, rooms: list[str], recorder: Recorder, tokens: Tokens
) -> list[Poster]:
    urls = [f"http://{entrance}" for entrance in installed.entrances("comments")]
    rate = experiment.rate / POSTERS
    return [
        Poster(f"poster-{number}", urls[number % len(urls)], rooms, recorder, tokens, rate)
        for number in range(POSTERS)
    ]


async def _report(
    progress: Progress,
    breaker: Breaker,
    faults: int,
    listeners: Sequence[Listener],
    posters: Sequence[Poster],
) -> None:
    began = time.monotonic()
    while True:
        acknowledged = sum(poster.acknowledged for poster in posters)
        progress(
            f"{time.monotonic() - began:.0f} s: {breaker.done} of {faults} faults mended, "
            f"{acknowledged:,} comments acknowledged, {len(listeners)} clients"
        )
        await asyncio.sleep(1)


@asynccontextmanager
async def _meanwhile(*works: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """While the block runs they do too; what one of them raises ends the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in works]
        yield
        for task in tasks:
            task.cancel()
