"""How long to wait before trying again: full jitter, capped.

https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ shows why all of it is random: a
thousand clients cut off together must not come back together.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    first: float = 0.5
    """Seconds: the longest wait before the first retry."""
    cap: float = 20.0
    """Seconds: no wait is longer, so that the end of a long outage is soon noticed."""

    def delay(self, attempt: int, random: float) -> float:
        """Seconds to wait before retry `attempt` (0, 1, 2 …), for a `random` number in [0, 1)."""
        return random * min(self.cap, self.first * 2.0 ** min(attempt, MAX_DOUBLINGS))

    def again(self, attempt: int, random: float, after: float) -> float:
        """The same, but no sooner than the `after` seconds that the server asked for, and a little later:
        it may have asked many.
        """
        return max(after * (1 + SPREAD * random), self.delay(attempt, random))


SPREAD = 0.2
"""Share of the time asked for over which those who were asked together come back."""

MAX_DOUBLINGS = 64
"""2.0 ** 1024 overflows; long before that every cap is reached."""
