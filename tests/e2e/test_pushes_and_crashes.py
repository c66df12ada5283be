"""notifier is killed at random moments: nothing is lost, and nothing is shown twice."""

from pathlib import Path

import pytest
from killing import kill, told
from processes import cluster

from notifier.vapid import Key

RUNS = 4

LIMIT = 300
"""Seconds, on a machine that is busy with other tests; alone it takes 15 a run at most."""


@pytest.mark.timeout(LIMIT)
async def test_whenever_notifier_is_killed_everybody_is_shown_everything_once(
    database_url: str, nats_url: str, tmp_path: Path
) -> None:
    key = tmp_path / "vapid.pem"
    key.write_bytes(Key.new().pem)
    with cluster(database_url, nats_url, told(key), presences=1, notifiers=1) as system:
        shown = await kill(system, RUNS, seed=7)
    assert (shown.lost, shown.twice) == (0, 0), shown
