"""`parley up` as a process, for tests of what users run."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

PARLEY = Path(sys.executable).with_name("parley")
SECONDS = 60.0
"""For a start on a machine that is busy with other tests."""


class Up:
    """A running `parley up`; `output` is what it printed until it was ready."""

    def __init__(self, data: Path, *, port: int | None = None, **environ: str) -> None:
        self.data = data
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = start("up", "--port", str(self.port), "--data-dir", str(data), **environ)
        self.output = self._until_ready()

    def _until_ready(self) -> str:
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                return "".join(lines)
        raise AssertionError(f"it ended: {''.join(lines)}")

    def client(self, token: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=10)

    def children(self) -> list[int]:
        """Process ids of everything that works on the data directory, but for `parley` itself."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if int(entry.name) != self.process.pid and str(self.data) in (entry / "cmdline").read_text():
                    found.append(int(entry.name))
        return found

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Exit status and what it printed since it was ready."""
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, rest


@contextlib.contextmanager
def running(data: Path, *, port: int | None = None, **environ: str) -> Iterator[Up]:
    up = Up(data, port=port, **environ)
    try:
        yield up
    finally:
        if up.process.poll() is None:
            up.end()


def start(*arguments: str, **environ: str) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PARLEY_", "OTEL_"))}
    return subprocess.Popen(
        [PARLEY, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**clean, "COLUMNS": "100", "NO_COLOR": "1", **environ},
    )


def parley(*arguments: str, **environ: str) -> tuple[int, str]:
    """Exit status and all output of a command."""
    process = start(*arguments, **environ)
    output, _ = process.communicate(timeout=SECONDS)
    return process.returncode, output


def token(data: Path, user: str = "u1", rooms: str = "*=rw", **environ: str) -> str:
    status, output = parley("token", "--user", user, "--room", rooms, "--data-dir", str(data), **environ)
    assert status == 0, output
    return output.strip()


def gone(pids: list[int]) -> bool:
    """Whether all of them end within a while."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.05)
    return False


def free_port() -> int:
    """Below the ephemeral range, where no outgoing connection of another test takes it meanwhile."""
    while True:
        port = random.randrange(20_001, 32_768)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
