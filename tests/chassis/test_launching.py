"""A process says why it cannot go on, in its log or in plain lines, and exits with a status."""

import json
import subprocess
import sys

PROGRAM = """
from chassis.launching import launch
from chassis.settings import Settings

async def main(settings):
    if settings.port == 1:
        raise RuntimeError("the reason")
    print(settings.port)

launch(Settings, main)
"""


def launched(**environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environ, capture_output=True, text=True, check=False
    )


def test_it_runs_with_the_settings_of_the_environment() -> None:
    done = launched(PARLEY_PORT="1234")
    assert (done.returncode, done.stdout) == (0, "1234\n")


def test_invalid_settings_are_named_in_plain_lines() -> None:
    done = launched(PARLEY_PORT="many", PARLEY_JWT_SECRET="short")
    assert done.returncode == 1
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == [
        "PARLEY_PORT",
        "PARLEY_JWT_SECRET",
    ]


def test_what_ends_it_is_logged_with_its_reason() -> None:
    done = launched(PARLEY_PORT="1")
    [line] = done.stderr.splitlines()
    logged = json.loads(line)
    assert (done.returncode, logged["event"], logged["reason"]) == (1, "process.failed", "the reason")
    assert "RuntimeError" in logged["exception"]
