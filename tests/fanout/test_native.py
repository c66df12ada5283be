"""What clients are told, as frames."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout import native
from fanout.receiving import MAX_ID
from fanout.requests import Position

ROOMS = st.from_regex(r"[A-Za-z0-9_\-=@,.;]{1,164}", fullmatch=True)
TEXT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


def read(frame: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(frame, parse_constant=pytest.fail)
    return fields


@given(ROOMS, st.integers(1, MAX_ID), JSON)
def test_an_event_is_wrapped_as_it_is(room: str, offset: int, event: Any) -> None:
    frame = native.event(room, offset, json.dumps(event).encode())
    assert read(frame) == {"type": "event", "room": room, "offset": offset, "event": event}


def test_answers_carry_the_id_of_their_request() -> None:
    assert read(native.connected(1, "c1", "u1", 25)) == {
        "id": 1,
        "type": "connected",
        "connection": "c1",
        "user": "u1",
        "ping": 25,
    }
    assert read(native.subscribed(2, "r", Position("e", 57), recovered=True)) == {
        "id": 2,
        "type": "subscribed",
        "room": "r",
        "epoch": "e",
        "offset": 57,
        "recovered": True,
        "presence": None,
        "receipts": None,
    }
    assert read(native.unsubscribed(3, "r")) == {"id": 3, "type": "unsubscribed", "room": "r"}
    assert read(native.ok(4)) == {"id": 4, "type": "ok"}


def test_what_was_not_asked_for_carries_no_id() -> None:
    assert "id" not in read(native.connected(None, "c1", "u1", 25))
    assert read(native.error(None, "too_many_requests", "wait", retryAfter=0.5)) == {
        "type": "error",
        "code": "too_many_requests",
        "message": "wait",
        "retryAfter": 0.5,
    }


@given(ROOMS, st.dictionaries(st.sampled_from(["count", "people", "joined"]), JSON, min_size=1))
def test_what_is_said_of_a_room_is_wrapped_as_it_is(room: str, body: dict[str, Any]) -> None:
    encoded = json.dumps(body).encode()
    assert read(native.presence(room, encoded)) == {"type": "presence", "room": room, **body}
    assert read(native.receipts(room, encoded)) == {"type": "receipts", "room": room, **body}
    assert read(native.present(7, room, encoded)) == {"id": 7, "type": "presence", "room": room, **body}


def test_what_is_unread_is_answered_and_pushed() -> None:
    assert read(native.unread(7, b'{"rooms":[]}')) == {"id": 7, "type": "unread", "rooms": []}
    assert read(native.unread(None, b'{"rooms":[]}')) == {"type": "unread", "rooms": []}


@given(TEXT, st.none() | TEXT)
def test_who_types_is_told_with_the_name_to_show(user: str, name: str | None) -> None:
    said = read(native.signal("r", native.typing(user, name)))
    assert said == {"type": "signal", "room": "r", "name": "typing", "user": user, "data": {"name": name}}


def test_a_subscription_says_who_is_here_and_how_far_they_are() -> None:
    answer = native.subscribed(
        2, "r", Position("e", 57), recovered=False, presence=b'{"count":1}', receipts=b'{"members":0}'
    )
    assert read(answer)["presence"] == {"count": 1}
    assert read(answer)["receipts"] == {"members": 0}
