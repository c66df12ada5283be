"""The SDK and the page: their own tests in Node's test runner, and their types."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = sorted(
    str(path)
    for pattern in ("clients/js/test/*.test.js", "tests/web/*.test.js")
    for path in ROOT.glob(pattern)
)


def node(*arguments: str) -> None:
    command = [sys.executable, "tools/node.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(arguments)}\n{done.stdout}{done.stderr}", pytrace=False)


def test_the_javascript_does_what_its_tests_say() -> None:
    node("--test", *TESTS)


def test_the_javascript_is_well_typed() -> None:
    node("node_modules/typescript/bin/tsc", "-p", "jsconfig.json")
