"""Processes under test and beside it, and what Linux says about them."""

import asyncio
import os
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
STOPPING = 30.0
"""Seconds that a process may take to stop in order before it is killed."""


@dataclass
class Process:
    child: asyncio.subprocess.Process

    async def line(self) -> str:
        """The next line of its output, empty at the end."""
        assert self.child.stdout is not None
        return (await self.child.stdout.readline()).decode().rstrip()

    def terminate(self) -> None:
        if self.child.returncode is None:
            self.child.terminate()

    def memory(self) -> int:
        """Bytes resident now."""
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    def seconds(self) -> float:
        """CPU time used until now."""
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


async def start(command: list[str], **environment: str) -> Process:
    """`env` sets the variables, then becomes the command: the process id is the command's."""
    settings = [f"{name}={value}" for name, value in environment.items()]
    words = ["env", *settings, *command] if settings else command
    return Process(await asyncio.create_subprocess_exec(*words, stdout=PIPE))


@asynccontextmanager
async def running(command: list[str], **environment: str) -> AsyncIterator[Process]:
    """Runs for the block, then stops in order; its output is dropped."""
    process = await start(command, **environment)
    assert process.child.stdout is not None
    reading = asyncio.create_task(process.child.stdout.read())
    try:
        yield process
    finally:
        process.terminate()
        try:
            await asyncio.wait_for(process.child.wait(), STOPPING)
        except TimeoutError:
            process.child.kill()
            await process.child.wait()
        reading.cancel()
