"""Which system the operator's commands work on, and what it means when they cannot."""

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import asyncpg
import nats.errors
from pydantic import ValidationError

from chassis.migrations import MigrationError
from chassis.settings import Login, describe
from comments.settings import Settings
from events import StreamError
from parley_cli.embedded.cluster import SUPERUSER
from parley_cli.embedded.nats import USER
from parley_cli.embedded.postgres import DATABASE
from parley_cli.failures import Failed

T = TypeVar("T")


class Unreachable(Failed):
    """The command could not do its work, so it says nothing about the system."""

    status = 2


@dataclass(frozen=True, slots=True)
class System:
    app: str
    database_url: str
    nats_url: str
    nats_login: Login
    replicas: int
    start: str
    """What to do if it does not run."""


def system_of(path: Path) -> System:
    """That of PARLEY_DATABASE_URL and PARLEY_NATS_URL; what is not set is that of the data directory.

    Raise `Unreachable` if there is neither, or a setting is not valid.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        raise Unreachable(describe(error)) from error
    ports = _ports(path)
    url = settings.database_url.get_secret_value() if settings.database_url else None
    if url is None and "postgres" not in ports:
        raise Unreachable(
            f"{path} is no data directory of `parley up`: name one with --data-dir, "
            "or set PARLEY_DATABASE_URL and PARLEY_NATS_URL to those of your system"
        )
    nats_url, login = settings.nats_url, settings.nats_login()
    if "nats_url" not in settings.model_fields_set and "nats" in ports:
        nats_url = f"nats://127.0.0.1:{ports['nats']}"
        login = Login(user=USER, password=_secret(path, "nats-password"))
    return System(
        app=settings.app_id,
        database_url=url or _embedded(path, ports["postgres"]),
        nats_url=nats_url,
        nats_login=login,
        replicas=settings.stream_replicas,
        start="look at PARLEY_DATABASE_URL and PARLEY_NATS_URL"
        if url
        else f"start it with `parley up --data-dir {path}`, then run this again beside it",
    )


def run(system: System, work: Coroutine[Any, Any, T]) -> T:
    """Raise `Unreachable` for whatever of the system is not there, or not as it should be."""
    try:
        return asyncio.run(work)
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError) as error:
        raise Unreachable("the database has no log yet: start Parley on it once") from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise Unreachable(f"the user of PARLEY_DATABASE_URL must own the schema comments: {error}") from error
    except asyncpg.LockNotAvailableError as error:
        raise Unreachable(
            "somebody holds a lock on the log for too long: look at pg_stat_activity"
        ) from error
    except (MigrationError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Unreachable(f"PostgreSQL at {place(system.database_url)}: {error}") from error
    except (StreamError, nats.errors.Error) as error:
        raise Unreachable(f"NATS at {place(system.nats_url)}: {error}; {system.start}") from error
    except OSError as error:
        where = f"PostgreSQL at {place(system.database_url)} or NATS at {place(system.nats_url)}"
        raise Unreachable(f"cannot reach {where}: {error}; {system.start}") from error


def place(url: str) -> str:
    """Host and port, without the credentials."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _ports(path: Path) -> dict[str, int]:
    try:
        return dict(json.loads((path / "ports.json").read_text()))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Unreachable(f"{path / 'ports.json'} cannot be read: {error}") from error


def _embedded(path: Path, port: int) -> str:
    password = quote(_secret(path, f"{SUPERUSER}-password"))
    return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{port}/{DATABASE}"


def _secret(path: Path, name: str) -> str:
    try:
        return (path / "secrets" / name).read_text()
    except OSError as error:
        raise Unreachable(f"{path / 'secrets' / name} cannot be read: {error.strerror}") from error
