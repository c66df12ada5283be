"""The event loop that the hot path needs."""

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

COLLECT = (20_000, 20, 50)
"""Python's own 700 makes it look after every few requests: measured, 7 % of all time under load."""


def new_loop() -> asyncio.AbstractEventLoop:
    """uvloop with aiofastnet's transports; asyncio's own loop where there is no uvloop (Windows)."""
    try:
        import aiofastnet
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return aiofastnet.patch_loop(uvloop.new_event_loop())


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` on the loop that the hot path needs, in a process of which it is the whole purpose.

    What is imported by now lives as long as the process, so the collector need not look at it again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(main)
