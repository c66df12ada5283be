"""Processes that an earlier start left running: found, proven to be ours, and stopped.

Where there is no /proc nothing can be proven, so nothing is ever stopped there.
"""

import asyncio
import json
import os
import select
import signal
from collections.abc import Iterable
from pathlib import Path

from parley_cli.datadir import DataDir
from parley_cli.embedded.errors import EmbeddedError

Stop = Iterable[tuple[signal.Signals, float]]
"""Signals, each with the seconds to wait before the next; the last is followed by SIGKILL."""


class Record:
    """The identity of a running child, kept in the data directory.

    A process id alone proves nothing: it is used again. With the time of its start since a boot, it does.
    """

    def __init__(self, datadir: DataDir, name: str) -> None:
        self._datadir = datadir
        self._file = datadir.directory("children") / f"{name}.json"

    def write(self, pid: int) -> None:
        self._datadir.write(self._file, json.dumps({"pid": pid, "started": started(pid)}))

    def remove(self) -> None:
        self._file.unlink(missing_ok=True)

    async def stop_orphan(self, stop: Stop) -> bool:
        """Stop the recorded process; false if it no longer runs.

        Raises:
            EmbeddedError: it outlives even SIGKILL.
        """
        if not self._file.exists():
            return False
        record = json.loads(self._file.read_text())
        handle = _open(record["pid"])
        if handle is None:
            return False
        try:  # compared after it is opened: now no other process can take its id
            ours = record["started"] is not None and started(record["pid"]) == record["started"]
            if ours:
                await _end(handle, stop)
        finally:
            os.close(handle)
        return ours


async def stop_strays(directory: Path, program: str) -> bool:
    """Stop the processes of a program that work in a directory of ours; false if there are none.

    Raises:
        EmbeddedError: one outlives even SIGKILL.
    """
    found = False
    for pid in _pids():
        handle = _open(pid)
        if handle is None:
            continue
        try:
            if works(pid, directory, program):
                found = True
                await _end(handle, [(signal.SIGQUIT, 1.0)])
        finally:
            os.close(handle)
    return found


def works(pid: int, directory: Path, program: str) -> bool:
    """Whether that process runs the program with the directory as its current one."""
    process = Path(f"/proc/{pid}")
    try:
        return (
            process.joinpath("cwd").samefile(directory) and process.joinpath("exe").readlink().name == program
        )
    except OSError:  # it has ended, or is another user's: not ours
        return False


def started(pid: int) -> str | None:
    """When a process started: the id of the boot and the clock ticks since (proc(5)); None: there is none."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return f"{boot} {status.rpartition(')')[2].split()[19]}"


def _pids() -> list[int]:
    processes = Path("/proc")
    return (
        [int(entry.name) for entry in processes.iterdir() if entry.name.isdigit()]
        if processes.exists()
        else []
    )


def _open(pid: int) -> int | None:
    """A handle that stays with this process, even when its id is used again."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


async def _end(handle: int, stop: Stop) -> None:
    for number, patience in (*stop, (signal.SIGKILL, 5.0)):
        signal.pidfd_send_signal(handle, number)
        if await asyncio.to_thread(_ended, handle, patience):
            return
    raise EmbeddedError("a process of an earlier start cannot be stopped")


def _ended(handle: int, patience: float) -> bool:
    """Wait up to so many seconds for a process to end."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(patience * 1000))
