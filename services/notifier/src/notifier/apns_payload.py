"""What an app on an Apple device is sent, and how it is made to fit: pure.

Keys of `aps`: Apple, "Generating a remote notification". What is under `parley` is for the app: it needs it
to open the room, and to take the notification back when the room is read elsewhere.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from notifier.sender import Push

LIMIT = 4096
"""Bytes of a payload; Apple refuses what is longer with 413."""
CUT = "..."
"""What follows a text of which the end is missing."""
WORTH = 50
"""Characters of the body that are worth more than the picture; the wording shows no more of a comment."""

Json = dict[str, Any]


class TooLarge(Exception):
    """It does not fit, even without any text."""


def payload(push: Push) -> bytes:
    """UTF-8 JSON of at most `LIMIT` bytes; the body is cut where it is longer.

    If that is not enough it goes without the picture, then with a shorter title. Raises `TooLarge`.
    """
    plain = replace(push, icon=None)
    silent = replace(plain, body="")
    fitting = (
        _encoded(push)
        or _longest(push.body, lambda body: replace(push, body=body), WORTH)
        or _encoded(plain)
        or _longest(push.body, lambda body: replace(plain, body=body))
        or _longest(push.title, lambda title: replace(silent, title=title))
    )
    if fitting is None:
        raise TooLarge
    return fitting


def _longest(text: str, cut: Callable[[str], Push], least: int = 0) -> bytes | None:
    """With as many characters of the text as fit; `None` if not even `least` do."""
    fitting, most = None, len(text) - 1
    while least <= most:
        middle = (least + most) // 2
        if (tried := _encoded(cut(text[:middle].rstrip() + CUT))) is None:
            most = middle - 1
        else:
            fitting, least = tried, middle + 1
    return fitting


def _encoded(push: Push) -> bytes | None:
    """`None` if it is too long."""
    content = {"aps": _aps(push), "parley": _own(push)}
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    data = text.encode("utf-8", "replace")  # half of a surrogate pair is no text
    return data if len(data) <= LIMIT else None


def _aps(push: Push) -> Json:
    """`read` shows nothing: it sets the badge, and wakes the app, which takes the notification back."""
    badge = {} if push.badge is None else {"badge": push.badge}
    if push.kind == "read":
        return {**badge, "content-available": 1}
    aps = {
        "alert": {"title": push.title, "body": push.body},
        **badge,
        "thread-id": push.room,
        "mutable-content": 1,
    }
    if not push.again:
        aps["sound"] = "default"
    if push.urgent:
        aps["interruption-level"] = "time-sensitive"
    return aps


def _own(push: Push) -> Json:
    same = {"type": push.kind, "id": str(push.id), "room": push.room, "offset": push.offset, "tag": push.tag}
    badge = {} if push.badge is None else {"badge": push.badge}
    if push.kind == "read":
        return {**same, **badge}
    icon = {} if push.icon is None else {"icon": push.icon}
    return {
        **same,
        "comment": str(push.comment),
        "title": push.title,
        "body": push.body,
        **icon,
        **badge,
        "more": push.more,
        "again": push.again,
        "urgent": push.urgent,
    }
