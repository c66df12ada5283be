"""`parley up`: the whole system in one process, with PostgreSQL and NATS as its children."""

import webbrowser
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal

import asyncpg
import nats.errors
from pydantic import SecretStr, ValidationError

import comments.service
import comments.settings
import events.jetstream
import fanout.service
import fanout.settings
import notifier.service
import notifier.settings
import presence.service
import presence.settings
from chassis import logs, serving, telemetry
from chassis.auth import Verifier
from chassis.listening import bind
from chassis.migrations import MigrationError
from chassis.service import Service
from chassis.settings import describe
from notifier.platforms import BadCredentials
from notifier.vapid import Key
from parley_cli import embedded, site
from parley_cli.datadir import DataDir, DataDirError
from parley_cli.embedded import EmbeddedError
from parley_cli.failures import Failed

Say = Callable[[str], None]
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Settings(
    fanout.settings.Settings,
    comments.settings.Settings,
    presence.settings.Settings,
    notifier.settings.Settings,
):
    """What every service of the process is told."""

    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    log_format: Literal["json", "console"] = "console"


def settings_of(port: int | None) -> Settings:
    """The settings of the environment, with the port that was asked for. Raise `Failed`."""
    try:
        return Settings() if port is None else Settings(port=port)
    except ValidationError as error:
        raise Failed(describe(error)) from error


def run(
    settings: Settings, path: Path, environ: Mapping[str, str], say: Say, ready: Say, *, browse: bool
) -> None:
    """Run until SIGTERM, SIGINT or the end of any part; then stop everything in order.

    `say` gets a line for each step, `ready` the URL. `environ` is read for the standard `OTEL_*` variables.
    Raise `Failed`.
    """
    logs.configure(settings.log_level, settings.log_format)
    try:
        serving.run(_up(settings, path, environ, say, ready, browse=browse))
    except (DataDirError, EmbeddedError, MigrationError, BadCredentials, serving.PortTaken) as error:
        raise Failed(str(error)) from error
    except (OSError, asyncpg.PostgresError, nats.errors.Error) as error:
        raise Failed(f"cannot connect: {str(error) or type(error).__name__}") from error


async def _up(
    settings: Settings, path: Path, environ: Mapping[str, str], say: Say, ready: Say, *, browse: bool
) -> None:
    (await bind(settings.host, settings.port)).close()
    with DataDir(path) as datadir:
        async with AsyncExitStack() as stack:
            alone = "nats_url" not in settings.model_fields_set
            settings, children = await _servers(settings, datadir, stack, say)
            metrics = telemetry.start("parley", environ)
            stack.callback(metrics.close)
            verifier = Verifier.of(settings)
            stack.push_async_callback(verifier.close)
            wire = await stack.enter_async_context(
                events.jetstream.connect(
                    settings.nats_url,
                    **settings.nats_login(),
                    name="parley up",
                    patience=settings.start_patience,
                )
            )
            say("comments: bringing the database up to date")
            services = [
                await stack.enter_async_context(comments.service.open_service(settings, wire, metrics)),
                await stack.enter_async_context(
                    presence.service.open_service(settings, wire, metrics, alone=alone)
                ),
                await stack.enter_async_context(
                    fanout.service.open_service(settings, wire, metrics, verifier)
                ),
                await stack.enter_async_context(
                    notifier.service.open_service(settings, wire, metrics, write=say)
                ),
                Service(name="children", loops=children),
                site.service(settings.jwt_secret if settings.host in LOOPBACK else None),
            ]

            def started(url: str) -> None:
                ready(url)
                if browse:
                    webbrowser.open(url)

            await serving.serve(
                *services, settings=settings, telemetry=metrics, verifier=verifier, started=started
            )
            say("stopping")


def _pushes(settings: Settings, datadir: DataDir) -> dict[str, object]:
    """On a laptop browsers can be notified at once, and what would go to phones is shown."""
    found: dict[str, object] = {"push_console": True}
    if settings.webpush_key_file is None:
        found["webpush_key_file"] = _vapid_key(datadir)
    if settings.host in LOOPBACK and "webpush_private" not in settings.model_fields_set:
        found["webpush_private"] = "allow"
        found["webpush_services"] = "*"
    return found


def _vapid_key(datadir: DataDir) -> Path:
    """Kept, as browsers subscribe to one key."""
    file = datadir.directory("secrets") / "webpush-key.pem"
    if not file.exists():
        datadir.write(file, Key.new().pem.decode())
    return file


async def _servers(
    settings: Settings, datadir: DataDir, stack: AsyncExitStack, say: Say
) -> tuple[Settings, list[Callable[[], Awaitable[None]]]]:
    """The settings completed by what is embedded, and what keeps the children running."""
    found: dict[str, object] = {}
    children: list[Callable[[], Awaitable[None]]] = []
    if settings.jwt_secret is None and settings.jwks_url is None:
        found["jwt_secret"] = SecretStr(datadir.secret("jwt-secret"))
    if settings.database_url is None:
        postgres = await stack.enter_async_context(embedded.postgres(datadir, progress=say))
        found["database_url"] = SecretStr(postgres.url())
        children.append(postgres.keep)
    if "nats_url" not in settings.model_fields_set:
        nats = await stack.enter_async_context(embedded.nats(datadir, progress=say))
        found |= {"nats_url": nats.url, "nats_user": nats.user, "nats_password": SecretStr(nats.password)}
        children.append(nats.keep)
    found |= _pushes(settings, datadir)
    return settings.model_copy(update=found), children
