"""What FCM is told about a push: a message of its HTTP v1 API, at most as large as it takes. Pure.

https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from notifier.sender import Push

MAX_BYTES = 4096
"""Of keys and values together (FCM's documentation); here of the whole request, which is more."""

MAX_TTL = 2_419_200
"""Seconds: four weeks, FCM's longest."""

MAX_COUNT = 2**31 - 1
"""FCM's `notification_count` is an int32."""

CHANNEL = "messages"
"""The Android channel; apps create one of this name and give it its sound."""

CUT = "..."

Encode = Callable[..., bytes]
"""pyfcm's `parse_payload`: the parts of a message by name, to the JSON of a request."""


def request(push: Push, now: datetime, encode: Encode) -> bytes:
    """Its text is cut, and its icon dropped, where they make it too large."""

    def size(smaller: Push) -> int:
        return len(encode(**parts(smaller, now)))

    if size(push) > MAX_BYTES:
        push = _cut(push, "body", size)
    if size(push) > MAX_BYTES:
        push = _cut(replace(push, icon=None), "title", size)
    return encode(**parts(push, now))


def parts(push: Push, now: datetime) -> dict[str, Any]:
    """By the names of pyfcm's `parse_payload`."""
    common = {
        "fcm_token": push.device.address,
        "data_payload": _data(push),
        "android_config": _android(push, now),
        "apns_config": {"headers": _apns_headers(push), "payload": {"aps": _aps(push)}},
    }
    if push.kind == "read":
        return common
    return common | {
        "notification_title": push.title,
        "notification_body": push.body,
        "notification_image": push.icon if push.icon and push.icon.startswith("https://") else None,
    }


def _cut(push: Push, field: Literal["body", "title"], size: Callable[[Push], int]) -> Push:
    """With the longest beginning of the text that fits."""
    text: str = getattr(push, field)

    def beginning(length: int) -> Push:
        cut = text[:length].rstrip() + CUT
        return replace(push, body=cut) if field == "body" else replace(push, title=cut)

    fitting = bisect_right(range(len(text)), MAX_BYTES, key=lambda length: size(beginning(length)))
    return beginning(max(fitting - 1, 0))


def _data(push: Push) -> dict[str, str]:
    """Every value is a string: FCM takes no other."""
    data = {
        "type": push.kind,
        "id": str(push.id),
        "room": push.room,
        "offset": str(push.offset),
        "tag": push.tag,
    }
    if push.badge is not None:
        data["badge"] = str(push.badge)
    if push.kind == "read":
        return data
    if push.icon:
        data["icon"] = push.icon
    return data | {
        "comment": str(push.comment),
        "title": push.title,
        "body": push.body,
        "more": str(push.more),
        "again": _boolean(push.again),
        "urgent": _boolean(push.urgent),
    }


def _android(push: Push, now: datetime) -> dict[str, Any]:
    seconds = int((push.expires_at - now).total_seconds())
    android: dict[str, Any] = {
        "collapse_key": push.tag,
        "priority": "NORMAL" if push.kind == "read" else "HIGH",
        "ttl": f"{min(max(seconds, 0), MAX_TTL)}s",
    }
    if push.kind == "comment":
        android["notification"] = _android_notification(push)
    return android


def _android_notification(push: Push) -> dict[str, Any]:
    notification: dict[str, Any] = {"tag": push.tag, "channel_id": CHANNEL}
    if not push.again:
        notification["sound"] = "default"
    if push.badge:
        notification["notification_count"] = min(push.badge, MAX_COUNT)
    return notification


def _apns_headers(push: Push) -> dict[str, str]:
    """For the apps on Apple's devices that are reached through FCM."""
    silent = push.kind == "read"
    return {
        "apns-collapse-id": push.tag,
        "apns-expiration": str(int(push.expires_at.timestamp())),
        "apns-priority": "5" if silent else "10",
        "apns-push-type": "background" if silent and push.badge is None else "alert",
    }


def _aps(push: Push) -> dict[str, Any]:
    badge = {} if push.badge is None else {"badge": push.badge}
    if push.kind == "read":
        return badge | {"content-available": 1}
    sound = {} if push.again else {"sound": "default"}
    return badge | sound | {"thread-id": push.room, "mutable-content": 1}


def _boolean(value: bool) -> str:
    return "true" if value else "false"
