"""Services as processes of their own, as they are deployed, over the test run's NATS and Postgres."""

import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from chassis.auth import sign
from parley_cli.embedded.privileges import Privileges

SECRET = "a secret of at least 32 bytes for HS256"


def token(user: str = "u1", ttl: float = 86_400, **rooms: str) -> str:
    return sign(SECRET, user, name=f"Name of {user}", rooms=rooms or {"*": "rw"}, ttl=ttl)


class Process:
    """`python -m <module>`, which ends with the test run; it has its port from its first start on.

    Port 0 is any free one, which another process may be given while this one is away.
    """

    def __init__(self, module: str, environ: dict[str, str], port: int = 0) -> None:
        self._module = module
        self._environ = environ
        self.logs: list[str] = []
        self.port = port
        self.start()

    def start(self) -> None:
        inherited = {n: v for n, v in os.environ.items() if not n.startswith(("PARLEY_", "OTEL_"))}
        self._process = subprocess.Popen(
            Privileges().launch(Path("/"), signal.SIGKILL, [sys.executable, "-m", self._module]),
            env={**inherited, **self._environ, "PARLEY_PORT": str(self.port)},
            stderr=subprocess.PIPE,
            text=True,
        )
        self._serving = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ready(self) -> None:
        """Wait until it serves."""
        self._serving.wait()
        assert self.port, "".join(self.logs)

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.logs.append(line)
            if '"serving"' in line:
                self.port = int(json.loads(line)["url"].rpartition(":")[2])
                self._serving.set()
        self._serving.set()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/ws"

    def kill(self) -> None:
        """As a crash does: kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """As an orchestrator does: SIGTERM. Give the exit status."""
        return self._end(signal.SIGTERM)

    def wait(self) -> int:
        """Until it ends by itself. Give the exit status."""
        status = self._process.wait()
        self._reader.join()
        assert self._process.stderr is not None
        self._process.stderr.close()
        return status

    def _end(self, number: signal.Signals) -> int:
        self._process.send_signal(number)
        return self.wait()


def show(process: Process) -> None:
    """Its log, which pytest prints of a test that failed."""
    print(*process.logs, sep="")


@dataclass
class Cluster:
    comments: list[Process] = field(default_factory=list)
    fanouts: list[Process] = field(default_factory=list)
    presences: list[Process] = field(default_factory=list)
    notifiers: list[Process] = field(default_factory=list)
    app: str = ""
    nats_url: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    """What each process is told."""


@contextmanager
def cluster(
    database_url: str,
    nats_url: str,
    environ: Mapping[str, str] = MappingProxyType({}),
    *,
    comments: int = 1,
    fanouts: int = 1,
    presences: int = 0,
    notifiers: int = 0,
) -> Iterator[Cluster]:
    """So many replicas of each, as an installation of their own; they stop in order at the end."""
    told = {
        "PARLEY_DATABASE_URL": database_url,
        "PARLEY_NATS_URL": nats_url,
        "PARLEY_APP_ID": f"e2e-{uuid.uuid4().hex[:8]}",
        "PARLEY_JWT_SECRET": SECRET,
        "PARLEY_RATE_LIMITS": "off",
        **environ,
    }
    running = Cluster(app=told["PARLEY_APP_ID"], nats_url=nats_url, environ=told)
    with ExitStack() as stack:
        for module, count, into in (
            ("comments", comments, running.comments),
            ("presence", presences, running.presences),
            ("fanout", fanouts, running.fanouts),
            ("notifier", notifiers, running.notifiers),
        ):
            for _ in range(count):
                process = Process(module, told)
                stack.callback(show, process)
                stack.callback(process.stop)
                into.append(process)
        every = [*running.comments, *running.presences, *running.fanouts, *running.notifiers]
        for process in every:
            process.ready()
        yield running
