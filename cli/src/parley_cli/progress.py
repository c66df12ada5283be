"""How far a long command is: a bar on a terminal, a line now and then elsewhere; both beside the output."""

import time
from collections.abc import Callable
from typing import Any, TextIO

import typer

SECONDS = 10.0
"""Between two lines."""


class Progress:
    """Call it with what is being done, how much of it is done, and of how much; then `close` it."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._what = ""
        self._bar: Any = None
        self._said = 0.0
        self._last = (0, 0)
        self._done = self._total = 0

    def __call__(self, what: str, done: int, total: int) -> None:
        if what != self._what:
            self.close()
            self._what, self._said, self._last = what, self._clock(), (0, 0)
        self._done, self._total = done, max(done, total)
        if self._stream.isatty():
            self._draw()
        elif self._clock() >= self._said + SECONDS:
            self._say()

    def close(self) -> None:
        """End the bar, or say how it ended."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None
        elif self._total and (self._done, self._total) != self._last:
            self._say()
        self._what, self._done, self._total = "", 0, 0

    def _draw(self) -> None:
        if self._bar is None:
            self._bar = typer.progressbar(
                length=self._total, label=self._what, file=self._stream, show_pos=True
            )
            self._bar.__enter__()
        self._bar.length = self._total
        self._bar.update(self._done - self._bar.pos)

    def _say(self) -> None:
        self._said, self._last = self._clock(), (self._done, self._total)
        print(f"{self._what}: {self._done:,} of {self._total:,} events", file=self._stream, flush=True)
