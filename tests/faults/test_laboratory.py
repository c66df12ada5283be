"""The laboratory itself: it finds nothing wrong with the product, and finds what is broken on purpose."""

from pathlib import Path

import pytest
from faults import report
from faults.checker import Verdict
from faults.findings import Kind as Wrong
from faults.installation import Make
from faults.laboratory import ARTEFACTS, Experiment, run
from faults.schedule import Kind, Plan

LIMIT = 400
"""Seconds: the run takes half of it on a machine that does nothing else."""

BRIEF = Plan(
    {"clients to fanout (1)": [Kind.RESET], "clients to fanout (2)": [Kind.FINISH]}, pause=(0.5, 1.0)
)


def quiet(line: str) -> None:
    """Tests tell nobody how far they are."""


async def findings(make: Make, directory: Path) -> set[Wrong]:
    """Of a short run with a part that is broken."""
    experiment = Experiment(
        seed=1, seconds=6, clients=12, rooms=4, rate=40, catch_up=5, make=make, plan=BRIEF
    )
    verdict = await run(experiment, directory / "run", quiet)
    return {finding.kind for finding in verdict.findings}


@pytest.mark.timeout(LIMIT)
async def test_two_minutes_of_faults_leave_nothing_lost_repeated_or_out_of_order() -> None:
    experiment = Experiment(seed=3, seconds=120, clients=100, rate=30)
    verdict: Verdict = await run(experiment, ARTEFACTS / "two-minutes", quiet)
    assert verdict.findings == [], report.text(verdict)
    assert verdict.figures.faults > 20
    assert verdict.figures.resumed > 100


async def test_a_fanout_that_skips_replay_is_found(tmp_path: Path) -> None:
    found = await findings(Make(fanout="faults.broken.forgetful_fanout"), tmp_path)
    assert found & {Wrong.HOLE, Wrong.FALSE_RECOVERY}


async def test_a_relay_that_publishes_before_the_commit_is_found(tmp_path: Path) -> None:
    found = await findings(Make(comments="faults.broken.hasty_comments"), tmp_path)
    assert found & {Wrong.INVENTED, Wrong.STREAMED_ALONE}
