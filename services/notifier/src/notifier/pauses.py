"""How long a service asks to be left alone. Pure."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER = 86_400.0
"""Seconds; nothing that is to be sent later than that makes sense."""


def retry_after(value: str | None, now: datetime, otherwise: float) -> float:
    """Seconds, of a number of them or an HTTP date (RFC 9110, section 10.2.3)."""
    if value is None:
        return otherwise
    if re.fullmatch(r"\s*[0-9]{1,9}\s*", value):
        return min(float(value), MAX_RETRY_AFTER)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return otherwise
    seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)
