"""Child processes that end when we do, however we end.

Each leads a session of its own, so Ctrl-C in the terminal reaches only us, and we stop them in order.
After a kill -9 of us the kernel signals them: when the *thread* that started them ends, so it must live on.
What is left even so is found by the next start, through a record in the data directory.
"""

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import Awaitable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import anyio

from parley_cli.datadir import DataDir
from parley_cli.embedded.errors import Died
from parley_cli.embedded.orphans import Record
from parley_cli.embedded.privileges import Privileges

TAIL = 10
"""Lines of a dead server's log that its error shows."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and how to stop it: signals, each with the seconds to wait before the next."""

    name: str
    home: Path
    """Where it runs; its logs are below."""
    command: list[str]
    stop: tuple[tuple[signal.Signals, float], ...]
    privileges: Privileges


class Child:
    """A running program, whose output goes to `log/start.log` in its home. Any event loop may wait for it."""

    def __init__(self, datadir: DataDir, program: Program) -> None:
        self.name = program.name
        self.logs = program.home / "log"
        self._program = program
        self._record = Record(datadir, program.name)
        self.start()

    def start(self) -> None:
        """Run the program; again, once it has ended."""
        self._stopping = False
        self._exit: Future[int] = Future()
        self._exit.set_running_or_notify_cancel()  # so a cancelled waiter does not cancel it for the others
        self._process = self._launch()
        self._record.write(self._process.pid)
        threading.Thread(target=self._reap, name=f"wait for {self.name}", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    async def run(self) -> None:
        """Wait for a program that ends by itself.

        Raises:
            Died: with another status than 0.
        """
        if await self._exited() != 0:
            raise self._death()

    async def wait(self) -> None:
        """Wait until it is stopped.

        Raises:
            Died: it ended without `stop`; the message has the last lines of its log.
        """
        await self._exited()
        if not self._stopping:
            raise self._death()

    async def stop(self) -> None:
        """Stop it in order, and by force when it takes too long. Not interrupted by a cancelled scope."""
        self._stopping = True
        with anyio.CancelScope(shield=True):
            for number, patience in self._program.stop:
                self._process.send_signal(number)
                with anyio.move_on_after(patience):
                    await self._exited()
                    break
            else:
                self._process.kill()
                await self._exited()

    def _launch(self) -> subprocess.Popen[bytes]:
        program = self._program
        output = os.open(self.logs / "start.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            return subprocess.Popen(
                program.privileges.launch(program.home, program.stop[0][0], program.command),
                env={"LC_ALL": "C", "PATH": os.defpath},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,
            )
        finally:
            os.close(output)

    def _reap(self) -> None:
        status = self._process.wait()
        self._record.remove()
        self._exit.set_result(status)

    def _exited(self) -> Awaitable[int]:
        return asyncio.wrap_future(self._exit)

    def _death(self) -> Died:
        status = self._exit.result()
        how = f"signal {-status}" if status < 0 else f"status {status}"
        last = "\n".join(f"  {line}" for line in tail(self.logs))
        return Died(f"{self.name} ended with {how}; the end of its log in {self.logs}:\n{last}")


def home(datadir: DataDir, name: str, user: Privileges) -> Path:
    """A server's own directory in the data directory, with one for its logs."""
    for below in (name, f"{name}/log"):
        user.give(datadir.directory(below))
    return datadir.directory(name)


def tail(directory: Path) -> list[str]:
    """The last lines of the newest file that has any."""
    written = [file for file in directory.iterdir() if file.stat().st_size]
    newest = max(written, key=lambda file: file.stat().st_mtime_ns, default=None)
    return newest.read_text(errors="replace").splitlines()[-TAIL:] if newest else []
