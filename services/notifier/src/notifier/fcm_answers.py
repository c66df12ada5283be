"""What FCM's answers mean. Pure.

https://firebase.google.com/docs/cloud-messaging/error-codes
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notifier.pauses import retry_after
from notifier.sender import Delivered, Gone, Outcome, Rejected, Retry
from notifier.wire import Response

QUOTA_SECONDS = 60.0
"""Before trying again after 429 without Retry-After: Google asks for a minute at least."""

TROUBLE_SECONDS = 1.0
"""Before trying again after 5xx without Retry-After."""

MAX_RECEIPT = 200
"""Characters of the name that FCM gives to a message."""

NOT_A_TOKEN = "The registration token is not a valid"  # noqa: S105
"""FCM's own words, where it names no field."""
_WORD = re.compile(r"[A-Za-z0-9_.\[\]-]{1,100}")
"""What is repeated of an answer: codes and names of fields. Its texts may hold the device token."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    code: str | None
    """FCM's own `errorCode`, else the `status` of Google's APIs."""
    fields: Sequence[str]
    """Of the message, that are wrong."""
    message: str


def expired(answer: Response) -> bool:
    """Our token was not accepted: the push was not looked at, and a new token may help."""
    return answer.status == 401 and _refusal(answer.body).code != "THIRD_PARTY_AUTH_ERROR"


def outcome(answer: Response, now: datetime) -> Outcome:
    if 200 <= answer.status < 300:
        return Delivered(_name(answer.body))
    refusal = _refusal(answer.body)
    if answer.status == 429:
        return Retry(
            retry_after(answer.fields.get("retry-after"), now, QUOTA_SECONDS), _reason(answer, refusal)
        )
    if answer.status >= 500:
        return Retry(
            retry_after(answer.fields.get("retry-after"), now, TROUBLE_SECONDS), _reason(answer, refusal)
        )
    return _refused(answer, refusal)


def _refused(answer: Response, refusal: _Refusal) -> Outcome:
    reason = _reason(answer, refusal)
    match answer.status, refusal.code:
        case 404, "UNREGISTERED":
            return Gone(None, reason)
        case 400, _ if "message.token" in refusal.fields or refusal.message.startswith(NOT_A_TOKEN):
            return Gone(None, reason)
        case (400 | 413, _) | (403, "SENDER_ID_MISMATCH"):
            # A token of another project's app. Google does not say to drop it, and rightly so: with the
            # credentials of a wrong project every token would be.
            return Rejected(reason)
    return Rejected(reason, ours=True)


def _reason(answer: Response, refusal: _Refusal) -> str:
    words = [str(answer.status), refusal.code or "", *refusal.fields[:3]]
    return " ".join(word for word in words if _WORD.fullmatch(word))


def _refusal(body: bytes) -> _Refusal:
    error = _mapping(json_object(body).get("error"))
    details = [_mapping(detail) for detail in _sequence(error.get("details"))]
    codes = [code for detail in details if isinstance(code := detail.get("errorCode"), str)]
    violations = [_mapping(found) for detail in details for found in _sequence(detail.get("fieldViolations"))]
    status = error.get("status")
    return _Refusal(
        codes[0] if codes else status if isinstance(status, str) else None,
        [field for found in violations if isinstance(field := found.get("field"), str)],
        str(error.get("message", "")),
    )


def _name(body: bytes) -> str:
    name = json_object(body).get("name")
    return name[:MAX_RECEIPT] if isinstance(name, str) else ""


def json_object(body: bytes) -> Mapping[str, Any]:
    """Empty if it is none."""
    try:
        return _mapping(json.loads(body))
    except (ValueError, RecursionError):
        return {}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []
