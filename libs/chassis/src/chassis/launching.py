"""A service as a process of its own: what every `__main__` does."""

import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError

from chassis import logs, telemetry
from chassis.auth import Verifier
from chassis.loops import run
from chassis.service import Service
from chassis.serving import serve
from chassis.settings import Settings, describe
from chassis.telemetry import Telemetry

S = TypeVar("S", bound=Settings)
W = TypeVar("W")

log = structlog.get_logger("chassis.launching")


def launch(settings: type[S], main: Callable[[S], Coroutine[Any, Any, None]]) -> None:
    """Read the environment, log as it says, and run `main` to its end.

    Exit with a line for each setting that is not valid; with status 1 and a log line for what ended `main`.
    """
    try:
        told = settings()
    except ValidationError as error:
        sys.exit(describe(error))
    logs.configure(told.log_level, told.log_format)
    try:
        run(main(told))
    except Exception as error:
        log.critical("process.failed", reason=str(error) or type(error).__name__, exc_info=True)
        sys.exit(1)


def launch_service(
    name: str,
    settings: type[S],
    environ: Mapping[str, str],
    connect: Callable[..., AbstractAsyncContextManager[W]],
    opened: Callable[[S, W, Telemetry, Verifier], AbstractAsyncContextManager[Service]],
) -> None:
    """`launch`: connect to NATS, and serve what is opened on that."""

    async def main(told: S) -> None:
        async with AsyncExitStack() as stack:
            verifier = Verifier.of(told)
            stack.push_async_callback(verifier.close)
            metrics = telemetry.start(name, environ)
            stack.callback(metrics.close)
            nats = await stack.enter_async_context(
                connect(told.nats_url, **told.nats_login(), name=name, patience=told.start_patience)
            )
            service = await stack.enter_async_context(opened(told, nats, metrics, verifier))
            await serve(service, settings=told, telemetry=metrics, verifier=verifier)

    launch(settings, main)
