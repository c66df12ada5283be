"""One timer for all connections instead of one for each."""

import asyncio
import math
from typing import Protocol


class Waiting(Protocol):
    slot: int
    """The tick at which it is due; the wheel's own."""

    def due(self) -> None: ...


class Wheel:
    """Calls `due` on each waiting object once, at least the asked seconds later and at most two ticks more.

    Time is counted in turns of the wheel: a loop that stalled is late with every
    deadline, and reads what has arrived meanwhile before it meets the next.
    """

    def __init__(self, tick: float) -> None:
        self.now = 0
        self._tick = tick  # seconds
        self._slots: dict[int, set[Waiting]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, waiting: Waiting, seconds: float) -> None:
        """File it anew: an earlier wait is forgotten."""
        self.forget(waiting)
        waiting.slot = self.now + math.ceil(seconds / self._tick) + 1
        self._slots.setdefault(waiting.slot, set()).add(waiting)
        if self._timer is None:
            self._arm()

    def forget(self, waiting: Waiting) -> None:
        slot = self._slots.get(waiting.slot)
        if slot is not None:
            slot.discard(waiting)

    @property
    def seconds(self) -> float:
        """Since the wheel was made, as it counts them."""
        return self.now * self._tick

    def since(self, tick: int) -> float:
        """Seconds from a value of `now` until now."""
        return (self.now - tick) * self._tick

    def _arm(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._tick, self._turn)

    def _turn(self) -> None:
        self.now += 1
        expired = self._slots.pop(self.now, ())
        if self._slots or expired:
            self._arm()
        else:
            self._timer = None
        for waiting in expired:
            waiting.due()
