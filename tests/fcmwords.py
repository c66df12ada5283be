"""Refusals in FCM's own words.

https://firebase.google.com/docs/cloud-messaging/error-codes has the samples.
"""

import json
from collections.abc import Mapping
from typing import Any

from pushservice import Answer

ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
NOT_A_TOKEN = "The registration token is not a valid FCM registration token"


def refusal(
    status: int,
    name: str,
    code: str | None = None,
    fields: Mapping[str, str] | None = None,
    *,
    field: str | None = None,
    message: str = "Refused, with a reason for people.",
) -> Answer:
    """In FCM's words: `name` is of Google's APIs, `code` FCM's own."""
    details: list[Mapping[str, Any]] = []
    if code:
        details.append({"@type": ERROR, "errorCode": code})
    if field:
        violations = [{"field": field, "description": message}]
        details.append({"@type": BAD_REQUEST, "fieldViolations": violations})
    error = {"code": status, "message": message, "status": name, "details": details}
    content = {"content-type": "application/json; charset=UTF-8", **(fields or {})}
    return Answer(status, content, json.dumps({"error": error}).encode())


_EXPIRED = {"@type": ERROR_INFO, "reason": "ACCESS_TOKEN_EXPIRED", "domain": "googleapis.com"}
UNAUTHENTICATED = Answer(
    401,
    {"www-authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'},
    json.dumps({"error": {"code": 401, "status": "UNAUTHENTICATED", "details": [_EXPIRED]}}).encode(),
)
