"""What an HTTP status means for the one who asked."""

from enum import Enum, auto


class Verdict(Enum):
    ANSWERED = auto()
    AGAIN = auto()
    """Passing trouble: the same request may succeed later."""
    REFUSED = auto()


def verdict(status: int) -> Verdict:
    if status < 400:
        return Verdict.ANSWERED
    return Verdict.AGAIN if status in _PASSING or status >= 500 else Verdict.REFUSED


_PASSING = frozenset({408, 425, 429})
"""Request timeout, too early, too many requests."""


def retry_after(header: str | None) -> float:
    """Seconds asked for by `Retry-After` (RFC 9110 section 10.2.3), 0 without one.

    Its other form, an HTTP date, counts as 0: it needs two clocks that agree, and backoff is safe without it.
    """
    return float(header) if header and header.isdecimal() and header.isascii() else 0.0
