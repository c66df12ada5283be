"""What a push is on its way to a browser: its payload, and the fields that the push service reads. Pure."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from math import ceil
from typing import Any, Final

from notifier.excerpts import cut
from notifier.sender import Push

MAX_TTL: Final = 2_419_200
"""Seconds, four weeks: FCM refuses more."""
STEP: Final = 256
"""Bytes: payloads are padded to multiples, so that little is told by how long a message is."""
_TOPIC: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


class TooLarge(ValueError):
    """It does not fit, even without its text."""


def fields(push: Push, now: datetime) -> Mapping[str, str]:
    """All but those that have to do with the sender."""
    found = {
        "ttl": str(min(max(ceil((push.expires_at - now).total_seconds()), 0), MAX_TTL)),
        "urgency": urgency(push),
        "content-type": "application/octet-stream",
        "content-encoding": "aes128gcm",
    }
    if _TOPIC.fullmatch(push.tag):
        found["topic"] = push.tag
    return found


def urgency(push: Push) -> str:
    """RFC 8030, section 5.3: what somebody waits for wakes a device that saves power, tidying up does not."""
    return "high" if push.kind == "comment" or push.urgent else "normal"


def payload(push: Push, most: int) -> bytes:
    """JSON of at most so many bytes: the text is cut, then the icon left out, then the title cut.

    Raise `TooLarge`.
    """
    content = _content(push)
    for part in ("body", "icon", "title"):
        excess = len(_encode(content)) - most
        if excess <= 0:
            break
        if part in content:
            _shrink(content, part, excess)
    encoded = _encode(content)
    if len(encoded) > most:
        raise TooLarge(TooLarge.__doc__)
    return encoded


def padded_size(length: int, most: int) -> int:
    return min(-(-length // STEP) * STEP, most)


def _shrink(content: dict[str, Any], part: str, excess: int) -> None:
    """By so many bytes at least, if there are as many; what JSON escapes takes more than one."""
    text = content.pop(part)
    if part == "icon":
        return
    size = len(text.encode())
    content[part] = text
    while content[part] and excess > 0:
        size = max(size - excess - len("..."), 0)
        before = len(_encode(content))
        content[part] = cut(text, len(text), size) if size else ""
        excess -= before - len(_encode(content))


def _content(push: Push) -> dict[str, Any]:
    content: dict[str, Any] = {
        "type": push.kind,
        "id": str(push.id),
        "room": push.room,
        "offset": push.offset,
    }
    if push.kind == "comment":
        content |= {"comment": str(push.comment), "title": push.title, "body": push.body}
        content |= {"more": push.more, "again": push.again, "urgent": push.urgent}
        if push.icon is not None:
            content["icon"] = push.icon
    content["tag"] = push.tag
    if push.badge is not None:
        content["badge"] = push.badge
    return content


def _encode(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
