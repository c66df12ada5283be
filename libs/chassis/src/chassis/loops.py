"""The event loop that the hot path needs."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def new_loop() -> asyncio.AbstractEventLoop:
    """uvloop with aiofastnet's transports; asyncio's own loop where there is no uvloop (Windows)."""
    try:
        import aiofastnet
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return aiofastnet.patch_loop(uvloop.new_event_loop())


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` on the loop that the hot path needs."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(main)
