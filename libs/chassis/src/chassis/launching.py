"""A service as a process of its own: what every `__main__` does."""

import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog
from pydantic import ValidationError

from chassis import logs
from chassis.loops import run
from chassis.settings import Settings, describe

S = TypeVar("S", bound=Settings)

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
