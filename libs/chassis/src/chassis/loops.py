"""The event loop that the hot path needs."""

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

if sys.platform != "win32":
    import resource

T = TypeVar("T")

COLLECT = (20_000, 20, 50)
"""Python's own 700 makes it look after every few requests: measured, 7 % of all time under load."""

MOST_FILES = 1 << 17
"""Twice the sockets of one process; where there is no limit, some programs close all there could be."""


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
    raise_files()
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(main)


def raise_files() -> None:
    """Let the process open as many files as it is allowed to; every socket is one."""
    if sys.platform == "win32":  # has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def files() -> int:
    """How many the process may open."""
    if sys.platform == "win32":
        return MOST_FILES
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_FILES if soft == resource.RLIM_INFINITY else soft
