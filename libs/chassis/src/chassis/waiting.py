"""Waiting, at the start, for what is not there yet: orchestrators start everything in any order."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

T = TypeVar("T")

PAUSE_SECONDS = 0.5

log = structlog.get_logger("chassis.waiting")


class Absent(ConnectionError):
    """What the process stands on did not come."""


async def until_there(
    name: str, attempt: Callable[[], Awaitable[T]], *, patience: float, passing: Callable[[Exception], bool]
) -> T:
    """What the first successful attempt returns. Says in the log what it waits for, and each new reason once.

    Raise `Absent` after `patience` seconds, and at once what is not `passing`.
    """
    reason: Exception | None = None
    try:
        async with asyncio.timeout(patience):
            while True:
                try:
                    there = await attempt()
                except Exception as error:
                    if not passing(error):
                        raise
                    if _text(error) != _text(reason):
                        log.warning("waiting", missing=name, reason=_text(error), seconds=patience)
                    reason = error
                else:
                    break
                await asyncio.sleep(PAUSE_SECONDS)
    except TimeoutError as error:
        raise Absent(f"{name} is not there after {patience:g} s: {_text(reason)}") from reason or error
    if reason is not None:
        log.warning("there", name=name)
    return there


def _text(error: Exception | None) -> str:
    return "no answer" if error is None else str(error) or type(error).__name__
