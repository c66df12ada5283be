"""What FCM is told about a push: the parts that a phone's tray does not show."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fcmrules import check_request
from hypothesis import given
from hypothesis import strategies as st
from pyfcm import FCMNotification  # type: ignore[import-untyped]

from notifier.fcm_messages import MAX_BYTES, request
from notifier.model import Device
from notifier.sender import Push

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENCODE = FCMNotification(credentials={"none": "needed"}).parse_payload
COMMENT = Push(
    device=Device("phone", "ada", "fcm", "token"), kind="comment", id=UUID(int=7), room="chat-5-12",
    offset=41, comment=UUID(int=8), title="New message in Chat", body="Ben: hello", icon=None, tag="tag",
    badge=3, more=0, urgent=False, again=False, expires_at=NOW + timedelta(hours=1),
)  # fmt: skip
READ = replace(COMMENT, kind="read", title="", body="")

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=3_000)


def message(push: Push) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(request(push, NOW, ENCODE))["message"]
    return found


def test_a_comment_wakes_the_phone_and_replaces_what_waits_about_its_room() -> None:
    android = message(COMMENT)["android"]
    del android["notification"]
    assert android == {"collapse_key": "tag", "priority": "HIGH", "ttl": "3600s"}


def test_that_a_room_was_read_is_data_alone_and_wakes_nobody() -> None:
    told = message(READ)
    assert "notification" not in told
    assert told["android"] == {"collapse_key": "tag", "priority": "NORMAL", "ttl": "3600s"}
    assert told["data"] == {
        "type": "read",
        "id": str(UUID(int=7)),
        "room": "chat-5-12",
        "offset": "41",
        "tag": "tag",
        "badge": "3",
    }


def test_apps_on_apples_devices_are_told_in_apples_words() -> None:
    assert message(COMMENT)["apns"] == {
        "headers": {
            "apns-collapse-id": "tag",
            "apns-expiration": str(int(NOW.timestamp()) + 3600),
            "apns-priority": "10",
            "apns-push-type": "alert",
        },
        "payload": {"aps": {"badge": 3, "sound": "default", "thread-id": "chat-5-12", "mutable-content": 1}},
    }


@pytest.mark.parametrize(
    ("badge", "kind", "aps"),
    [(0, "alert", {"badge": 0, "content-available": 1}), (None, "background", {"content-available": 1})],
    ids=["with a badge", "without"],
)
def test_that_a_room_was_read_lowers_the_badge_of_apples_devices(
    badge: int | None, kind: str, aps: dict[str, int]
) -> None:
    apns = message(replace(READ, badge=badge))["apns"]
    assert apns["payload"] == {"aps": aps}
    assert (apns["headers"]["apns-priority"], apns["headers"]["apns-push-type"]) == ("5", kind)


def test_what_may_have_been_shown_makes_no_second_sound() -> None:
    told = message(replace(COMMENT, again=True))
    assert "sound" not in told["android"]["notification"]
    assert "sound" not in told["apns"]["payload"]["aps"]
    assert told["data"]["again"] == "true"


@pytest.mark.parametrize(
    ("left", "ttl"), [(-5, "0s"), (0.9, "0s"), (61.5, "61s"), (10**8, "2419200s")], ids=str
)
def test_it_is_kept_for_as_long_as_it_makes_sense(left: float, ttl: str) -> None:
    told = message(replace(COMMENT, expires_at=NOW + timedelta(seconds=left)))
    assert told["android"]["ttl"] == ttl


def test_only_an_icon_that_phones_may_fetch_is_shown() -> None:
    told = message(replace(COMMENT, icon="/avatars/ben.png"))
    assert "image" not in told["notification"]
    assert told["data"]["icon"] == "/avatars/ben.png"


@pytest.mark.parametrize("badge", [None, 0], ids=["unknown", "none"])
def test_a_count_of_nothing_is_not_told_as_android_would_count_itself(badge: int | None) -> None:
    assert "notification_count" not in message(replace(COMMENT, badge=badge))["android"]["notification"]


@given(title=TEXTS, body=TEXTS, icon=st.none() | TEXTS, badge=st.none() | st.integers(0, 10**12))
def test_whatever_the_words_fcm_takes_the_message(
    title: str, body: str, icon: str | None, badge: int | None
) -> None:
    told = request(replace(COMMENT, title=title, body=body, icon=icon, badge=badge), NOW, ENCODE)
    assert len(told) <= MAX_BYTES
    check_request(told)
