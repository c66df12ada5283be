"""`python -m faults --minutes 30 --seed 7`: break an installation at random, and judge what became of it."""

import argparse
import asyncio
import contextlib
import signal
import sys
import time

import uvloop
from faults import report
from faults.installation import Make
from faults.laboratory import ARTEFACTS, Experiment, run


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2, help="for which things break; 2")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the same breaks the same")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--rate", type=float, default=50, help="comments per second")
    parser.add_argument("--cluster", action="store_true", help="three NATS servers, every event on all")
    parser.add_argument("--keep", action="store_true", help="the record, also of a run without findings")
    parser.add_argument("--markdown", action="store_true", help="tables for docs/reliability.md")
    return parser.parse_args()


async def main(told: argparse.Namespace) -> int:
    """The exit status: 0 if nothing is wrong."""
    this = asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)  # stop what was started
    experiment = Experiment(
        told.seed, told.minutes * 60, told.clients, rate=told.rate, make=Make(clustered=told.cluster)
    )
    directory = ARTEFACTS / f"{told.seed}-{'cluster' if told.cluster else 'one'}"
    verdict = await run(experiment, directory, progress, keep=told.keep)
    print(file=sys.stderr)
    print(report.markdown(verdict) if told.markdown else report.text(verdict))
    if directory.exists():
        print(f"the record and the logs are in {directory}", file=sys.stderr)
    return 1 if verdict.findings else 0


def progress(line: str) -> None:
    print(f"\r{line}  ", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, contextlib.suppress(KeyboardInterrupt):
        sys.exit(runner.run(main(arguments())))
