"""What Apple is told of a push: it always fits, and as much of the text as can is in it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.apns import fields
from notifier.apns_payload import CUT, LIMIT, TooLarge, payload
from notifier.model import Device
from notifier.sender import Push

PUSH = Push(
    device=Device("d1", "u1", "apns", "ab" * 32),
    kind="comment",
    id=UUID(int=1),
    room="chat-5-12",
    offset=7,
    comment=UUID(int=2),
    title="New message in Chat",
    body="Ada: hello",
    icon="https://example.org/ada.png",
    tag="dGhlIHRhZyBvZiBhIHJvb20",
    badge=3,
    more=2,
    urgent=False,
    again=False,
    expires_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
)
READ = replace(PUSH, kind="read", title="", body="", icon=None, more=0)

texts = st.text(max_size=60) | st.builds(
    lambda part, times: part * times, st.text(min_size=1, max_size=40), st.integers(1, 300)
)


def content(push: Push) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(payload(push))
    return found


@given(body=texts, title=texts, icon=st.none() | st.text(max_size=3000))
def test_whatever_the_text_it_fits_and_is_whole_characters_from_its_beginning(
    body: str, title: str, icon: str | None
) -> None:
    push = replace(PUSH, body=body, title=title, icon=icon)
    try:
        data = payload(push)
    except TooLarge:
        return
    assert len(data) <= LIMIT
    shown = json.loads(data.decode())["aps"]["alert"]
    for text, wanted in ((shown["body"], body), (shown["title"], title)):
        proper = wanted.encode("utf-8", "replace").decode()
        assert text == proper or not text or proper.startswith(text.removesuffix(CUT))


@given(body=st.text(min_size=500, max_size=5000))
def test_no_more_is_cut_than_must_be(body: str) -> None:
    shown = content(replace(PUSH, body=body, icon=None))["aps"]["alert"]["body"]
    if shown == body.encode("utf-8", "replace").decode():
        return
    kept = len(shown.removesuffix(CUT))
    longer = body[: kept + 1 + len(body[kept:]) - len(body[kept:].lstrip())]
    size = len(payload(replace(PUSH, body=shown, icon=None)))
    more = len(json.dumps(longer, ensure_ascii=False).encode("utf-8", "replace")) - len(
        json.dumps(shown.removesuffix(CUT), ensure_ascii=False).encode()
    )
    assert size + 2 * more > LIMIT, "the text is in the payload twice"


def test_text_is_cut_before_the_picture_is_left_out() -> None:
    shown = content(replace(PUSH, body="b" * 5000))
    assert shown["parley"]["icon"] == PUSH.icon
    assert shown["aps"]["alert"]["body"].endswith("b" + CUT)


def test_a_picture_is_worth_less_than_fifty_characters() -> None:
    shown = content(replace(PUSH, icon="i" * 3700, body="b" * 5000))
    assert "icon" not in shown["parley"]
    assert len(shown["aps"]["alert"]["body"]) > 1000


def test_a_title_is_cut_where_no_text_is_left() -> None:
    alert = content(replace(PUSH, title="t" * 5000))["aps"]["alert"]
    assert alert["body"] == ""
    assert alert["title"].endswith("t" + CUT)


def test_what_does_not_fit_without_any_text_is_too_large() -> None:
    with pytest.raises(TooLarge):
        payload(replace(PUSH, room="r" * LIMIT))


def test_half_a_surrogate_pair_is_no_text() -> None:
    assert content(replace(PUSH, body="a\ud83d"))["aps"]["alert"]["body"] == "a?"


def test_a_comment_is_an_alert_of_its_room() -> None:
    assert content(PUSH) == {
        "aps": {
            "alert": {"title": PUSH.title, "body": PUSH.body},
            "badge": 3,
            "thread-id": "chat-5-12",
            "mutable-content": 1,
            "sound": "default",
        },
        "parley": {
            "type": "comment",
            "id": str(PUSH.id),
            "room": "chat-5-12",
            "offset": 7,
            "tag": PUSH.tag,
            "comment": str(PUSH.comment),
            "title": PUSH.title,
            "body": PUSH.body,
            "icon": PUSH.icon,
            "badge": 3,
            "more": 2,
            "again": False,
            "urgent": False,
        },
    }


def test_what_was_read_elsewhere_shows_nothing_and_wakes_the_app() -> None:
    own = {"type": "read", "id": str(READ.id), "room": "chat-5-12", "offset": 7, "tag": READ.tag}
    assert content(READ) == {"aps": {"badge": 3, "content-available": 1}, "parley": {**own, "badge": 3}}
    assert content(replace(READ, badge=None)) == {"aps": {"content-available": 1}, "parley": own}


def test_an_unknown_badge_is_left_as_it_is() -> None:
    found = content(replace(PUSH, badge=None))
    assert "badge" not in found["aps"]
    assert "badge" not in found["parley"]


@pytest.mark.parametrize(("urgent", "level"), [(True, "time-sensitive"), (False, None)])
def test_what_is_urgent_is_time_sensitive(urgent: bool, level: str | None) -> None:
    assert content(replace(PUSH, urgent=urgent))["aps"].get("interruption-level") == level


def test_another_attempt_makes_no_sound() -> None:
    assert "sound" not in content(replace(PUSH, again=True))["aps"]


@pytest.mark.parametrize(
    ("push", "kind", "priority"),
    [
        pytest.param(PUSH, "alert", "10", id="comment"),
        pytest.param(READ, "alert", "5", id="read, with a badge"),
        pytest.param(replace(READ, badge=None), "background", "5", id="read, without"),
    ],
)
def test_type_and_priority_are_those_that_apple_asks_for(push: Push, kind: str, priority: str) -> None:
    assert fields(push) == {
        "apns-id": str(PUSH.id),
        "apns-collapse-id": PUSH.tag,
        "apns-expiration": "1772366400",
        "apns-push-type": kind,
        "apns-priority": priority,
    }
