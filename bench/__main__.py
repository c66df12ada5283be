"""`python -m bench [--smoke] [NAME …]`: measure, and print tables for docs/benchmarks.md."""

import argparse
import asyncio
import shlex
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from bench import (
    heartbeats,
    idle_memory,
    latency,
    posts,
    pushes,
    returns,
    saturation,
    slow_reader,
    sustained,
)
from bench.harness import Scale
from bench.report import Row, machine, table

Benchmark = Callable[[Scale], Awaitable[list[Row]]]

BENCHMARKS: dict[str, Benchmark] = {
    "saturation": saturation.measure,
    "idle_memory": idle_memory.measure,
    "heartbeats": heartbeats.measure,
    "posts": posts.measure,
    "sustained": sustained.measure,
    "latency": latency.measure,
    "slow_reader": slow_reader.measure,
    "returns": returns.measure,
    "pushes": pushes.measure,
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all without one"
    )
    parser.add_argument("--smoke", action="store_true", help="a second of each, with few sockets")
    found = parser.parse_args()
    if unknown := set(found.names) - set(BENCHMARKS):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    return found


async def main(told: argparse.Namespace) -> None:
    this = asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)  # stop what was started
    command = shlex.join(["python", "-m", "bench", *sys.argv[1:]])
    print(f"`{command}` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: {machine()}\n", flush=True)
    for name in told.names or BENCHMARKS:
        rows = await BENCHMARKS[name](Scale(told.smoke))
        print(table(name, rows), flush=True)


if __name__ == "__main__":
    asyncio.run(main(arguments()))
