"""What APNs' answers mean. Pure.

Apple, "Handling notification responses from APNs".
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from aioapns.common import APNS_RESPONSE_CODE

from notifier.pauses import retry_after
from notifier.sender import Delivered, Gone, Outcome, Rejected, Retry
from notifier.wire import Response

TROUBLE_SECONDS: Final = 1.0
"""Before trying again after 5xx, or without a connection."""
QUOTA_SECONDS: Final = 10.0
"""Before trying again after 429 without Retry-After."""
CONFIGURATION: Final = frozenset({"BadTopic", "MissingTopic", "TopicDisallowed"})
"""Reasons of 400 that are about whom we say to be."""
MAX_MILLISECONDS: Final = 10**14
"""Since 1970: some 3,000 years; what is beyond is no time."""

_WORD: Final = re.compile(r"[A-Za-z]{1,60}")
_RECEIPT: Final = re.compile(r"[0-9A-Fa-f-]{1,36}")


def expired(response: Response) -> bool:
    """Our token was too old: the push was not looked at, and a new token helps."""
    refused = str(response.status) == APNS_RESPONSE_CODE.FORBIDDEN
    return refused and _word(response) == "ExpiredProviderToken"


def outcome(response: Response, now: datetime, *, own_topic: bool) -> Outcome:
    """`own_topic`: the topic is the one that we were configured with, not one of the device."""
    word, status = _word(response), str(response.status)
    why, pause = reason(response), response.fields.get("retry-after")
    if status == APNS_RESPONSE_CODE.SUCCESS:
        return Delivered(_receipt(response))
    if status == APNS_RESPONSE_CODE.TOO_MANY_REQUESTS:
        return Retry(retry_after(pause, now, QUOTA_SECONDS), why)
    if response.status >= 500 or word == "IdleTimeout":
        return Retry(retry_after(pause, now, TROUBLE_SECONDS), why)
    if status == APNS_RESPONSE_CODE.GONE:
        return Gone(_since(_said(response).get("timestamp")), why)
    # BadDeviceToken and DeviceTokenNotForTopic do not say that a device is gone: a token of a development
    # build is bad at the production server, and the other way round, and every token of an app is not for the
    # topic if that is set wrongly. Forgetting these devices would make of a wrong setting a loss for good.
    ours = status in {APNS_RESPONSE_CODE.FORBIDDEN, APNS_RESPONSE_CODE.METHOD_NOT_ALLOWED, "404"}
    return Rejected(why, ours=ours or (own_topic and word in CONFIGURATION))


def reason(response: Response) -> str:
    """The status, and Apple's word for it if there is one."""
    return f"{response.status} {_word(response)}".rstrip()


def _word(response: Response) -> str:
    word = _said(response).get("reason")
    return word if isinstance(word, str) and _WORD.fullmatch(word) else ""


def _said(response: Response) -> Mapping[str, Any]:
    try:
        said = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _receipt(response: Response) -> str:
    value = response.fields.get("apns-id", "")
    return value if _RECEIPT.fullmatch(value) else ""


def _since(milliseconds: object) -> datetime | None:
    if not isinstance(milliseconds, int) or not 0 < milliseconds < MAX_MILLISECONDS:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
