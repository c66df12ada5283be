"""What browsers are sent, and what push services may read of it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webpushing import push_to

from notifier.encryption import MAX_PLAINTEXT
from notifier.model import Device
from notifier.sender import Push
from notifier.webpush_messages import MAX_TTL, STEP, TooLarge, fields, padded_size, payload

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DEVICE = Device("d1", "bob", "webpush", "https://push.example.net/1")


def push(**changed: Any) -> Push:
    return push_to(DEVICE, **{"expires_at": NOW + timedelta(hours=1)} | changed)


def sent(of: Push, most: int = MAX_PLAINTEXT) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(payload(of, most))
    return found


def test_a_comment_is_told_with_all_that_the_page_needs_to_show_it() -> None:
    assert sent(push(icon="https://example.com/ada.png", more=2, again=True, urgent=True)) == {
        "type": "comment", "id": str(UUID(int=1)), "room": "chat-5-12", "comment": str(UUID(int=1_001)),
        "offset": 1, "title": "New message in Lobby", "body": "Ada: hello", "tag": "a-tag_of-the-room",
        "icon": "https://example.com/ada.png", "badge": 3, "more": 2, "again": True, "urgent": True,
    }  # fmt: skip


def test_what_is_not_known_is_left_out() -> None:
    assert not {"icon", "badge"} & sent(push(badge=None)).keys()


def test_that_a_room_was_read_is_told_without_words() -> None:
    assert sent(push(kind="read", title="", body="", badge=0)) == {
        "type": "read", "id": str(UUID(int=1)), "room": "chat-5-12", "offset": 1, "tag": "a-tag_of-the-room",
        "badge": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "ttl"), [(3600, "3600"), (0.2, "1"), (0, "0"), (-5, "0"), (MAX_TTL + 1, str(MAX_TTL))]
)
def test_a_push_lives_as_long_as_it_makes_sense(seconds: float, ttl: str) -> None:
    assert fields(push(expires_at=NOW + timedelta(seconds=seconds)), NOW)["ttl"] == ttl


@pytest.mark.parametrize(
    ("changed", "urgency"),
    [({}, "high"), ({"urgent": True}, "high"), ({"kind": "read"}, "normal")],
    ids=["a comment", "an urgent one", "read elsewhere"],
)
def test_a_device_that_saves_power_is_woken_for_messages_alone(changed: dict[str, Any], urgency: str) -> None:
    assert fields(push(**changed), NOW)["urgency"] == urgency


def test_the_tag_is_the_topic_that_replaces_what_is_pending() -> None:
    assert fields(push(tag="x" * 32), NOW)["topic"] == "x" * 32


@pytest.mark.parametrize("tag", ["x" * 33, "", "a b", "a\r\nauthorization: x", "ä"])
def test_what_is_no_topic_is_not_sent_as_one(tag: str) -> None:
    assert "topic" not in fields(push(tag=tag), NOW)


def test_a_long_text_is_cut_and_the_rest_stays() -> None:
    found = sent(push(body="Ada: " + "x" * 10_000))
    assert found["body"].startswith("Ada: xxx")
    assert found["body"].endswith("x...")
    assert found["title"] == "New message in Lobby"


def test_where_the_text_alone_is_not_enough_icon_and_title_go_too() -> None:
    found = sent(push(icon="https://example.com/" + "x" * 5_000, title="t" * 5_000))
    assert (found["body"], "icon" in found) == ("", False)
    assert found["title"].endswith("t...")


def test_what_does_not_fit_without_its_words_is_refused() -> None:
    with pytest.raises(TooLarge):
        payload(push(), 100)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@given(TEXT, TEXT, st.integers(400, 1_200))
def test_whatever_is_said_it_fits_and_is_cut_from_the_end(title: str, body: str, most: int) -> None:
    encoded = payload(push(title=title, body=body), most)
    assert len(encoded) <= most
    found = json.loads(encoded)
    for given_, left in ((title, found["title"]), (body, found["body"])):
        assert left == given_ or given_.startswith(left.removesuffix("...").rstrip())


def test_half_a_character_is_sent_as_something_that_can_be_sent() -> None:
    assert sent(push(body="a\ud800b"))["body"] == "a?b"


@pytest.mark.parametrize(
    ("length", "size"), [(1, STEP), (STEP, STEP), (STEP + 1, 2 * STEP), (MAX_PLAINTEXT, MAX_PLAINTEXT)]
)
def test_payloads_are_padded_to_few_sizes(length: int, size: int) -> None:
    assert padded_size(length, MAX_PLAINTEXT) == size
