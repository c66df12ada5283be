"""Tables in Markdown, ready for docs/benchmarks.md."""

import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    what: str
    figure: str
    aim: str = ""


def table(title: str, rows: Sequence[Row]) -> str:
    lines = [f"| {row.what} | {row.figure} | {row.aim} |" for row in rows]
    return "\n".join([f"### {title}", "", "| what | figure | aim |", "|---|---|---|", *lines, ""])


def machine() -> str:
    """What a figure is worth nothing without."""
    cpus = re.findall(r"^model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    gigabytes = int(memory[1]) / 1e6 if memory else 0
    python = f"{platform.python_implementation()} {platform.python_version()}"
    cpu = f"{len(cpus)} x {cpus[0] if cpus else platform.machine()}"
    return f"{cpu}, {gigabytes:.0f} GB, Linux {platform.release()}, {python}"


def load_average() -> str:
    """Of the last minute: what else the machine was doing."""
    return Path("/proc/loadavg").read_text().split()[0]


def thousands(value: float) -> str:
    return f"{value:,.0f}"


def latency(result: dict[str, float]) -> str:
    return f"p50 {result['p50_ms']:.1f}, p99 {result['p99_ms']:.1f}, max {result['max_ms']:.0f} ms"
