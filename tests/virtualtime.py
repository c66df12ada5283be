"""A clock that jumps to the next deadline when nothing else is left to do: a test of days takes no time."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):  # type: ignore[misc,valid-type,unused-ignore]
    now = 0.0
    turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None:
            self.now += timeout
        self.turns += 1
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now

    @property
    def turns(self) -> int:
        """That the loop has taken: what ticks takes many."""
        return self._virtual.turns


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` in virtual time, for code that waits for nothing outside this process."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
