"""What the answers of push services mean (RFC 8030, and what services make of it). Pure."""

import json
import re
from datetime import datetime
from typing import Any, Final

from notifier.pauses import retry_after
from notifier.sender import Delivered, Gone, Outcome, Rejected, Retry
from notifier.wire import Response

TROUBLE_SECONDS: Final = 1.0
"""Before trying again after 5xx, or without a connection."""
QUOTA_SECONDS: Final = 10.0
"""Before trying again after 429 without Retry-After."""
MAX_RECEIPT: Final = 500
"""Characters of a `Location` that are kept."""
THROTTLED: Final = frozenset({406, 429})
"""RFC 8030's status, and that of Windows' service."""

_RECEIPT: Final = re.compile(r"[!-~]+")
_WORDS: Final = re.compile(r"[A-Za-z][A-Za-z ]{1,60}|[0-9]{1,6}")
"""What is repeated of an answer: its texts may hold the endpoint, its codes do not."""


def outcome(response: Response, now: datetime) -> Outcome:
    status, why = response.status, reason(response)
    pause = response.fields.get("retry-after")
    if 200 <= status < 300:
        return Delivered(_receipt(response.fields.get("location", "")))
    if status in THROTTLED:
        return Retry(retry_after(pause, now, QUOTA_SECONDS), why)
    if status >= 500:
        return Retry(retry_after(pause, now, TROUBLE_SECONDS), why)
    if status in {404, 410}:
        return Gone(None, why)
    return Rejected(why, ours=status in {401, 403})


def reason(response: Response) -> str:
    """The status, and the code that some services put beside it."""
    content = _json(response.body)
    codes = [content.get(name) for name in ("reason", "errno", "error")] if isinstance(content, dict) else []
    words = [str(code) for code in codes if isinstance(code, str | int)]
    return " ".join([str(response.status), *(word for word in words if _WORDS.fullmatch(word))])


def _receipt(location: str) -> str:
    return location if len(location) <= MAX_RECEIPT and _RECEIPT.fullmatch(location) else ""


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
