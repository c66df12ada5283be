"""What becomes of a push after an attempt, pure."""

from datetime import datetime, timedelta

from notifier.model import Reason
from notifier.outbox_rows import Claimed, Fate, State
from notifier.sender import Delivered, Gone, Outcome, Rejected, Retry, Unknown

LONGEST_PAUSE = 300.0
"""Seconds between two attempts, unless the provider asks for more."""

MAX_ANSWER = 200
"""Characters of a provider's answer that are kept."""


def fate_of(outcome: Outcome, row: Claimed, now: datetime, most: int) -> Fate:
    """Of a row that has been tried `row.attempts` times; after `most` without an answer it is given up."""
    match outcome:
        case Delivered(receipt):
            return Fate(row.id, "sent", answer=_short(receipt))
        case Gone(reason=reason):
            return Fate(row.id, "cancelled", Reason.DEVICE_GONE, _short(reason))
        case Rejected(reason=reason):
            return Fate(row.id, "failed", answer=_short(reason))
        case Retry(after, reason):
            return _again(row, now, max(after * apart(row), pause(row)), _short(reason), most, unsure=False)
        case Unknown(reason):
            return _again(row, now, pause(row), _short(reason), most, unsure=True)


def pause(row: Claimed) -> float:
    """Seconds: twice as many after each attempt, and not the same for all that failed together."""
    spread = 0.75 + (row.id % 32) / 64
    return float(min(LONGEST_PAUSE, 2.0 ** min(row.attempts - 1, 16)) * spread)


def apart(row: Claimed) -> float:
    """All that a provider asks to wait for the same time come back one after the other, none earlier."""
    return 1 + (row.id % 32) / 128


def _again(row: Claimed, now: datetime, after: float, answer: str, most: int, *, unsure: bool) -> Fate:
    not_before = now + timedelta(seconds=after)
    if (unsure and row.unanswered + 1 >= most) or not_before >= row.expires_at:
        state: State = "unknown" if unsure or row.unsure else "failed"
        reason = Reason.EXPIRED if not_before >= row.expires_at else None
        return Fate(row.id, state, reason, answer, unsure=unsure)
    return Fate(row.id, "waiting", None, answer, not_before, unsure)


def _short(text: str) -> str:
    """Printable, and not longer than is kept."""
    return "".join(char if char.isprintable() else " " for char in text[:MAX_ANSWER])
