import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from client.faulty_server import wire_event
from hypothesis import given
from hypothesis import strategies as st

from parley import Cursor, Event, ProtocolError
from parley.client import socket_url
from parley.protocol import (
    Closing,
    Connected,
    Expiring,
    Failed,
    Frame,
    Health,
    Other,
    Pushed,
    Refresh,
    Subscribe,
    Subscribed,
    Unsubscribe,
    encode,
    may_reconnect,
    parse,
)
from parley.retry import Verdict, retry_after, verdict

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
fields = ("id", "room", "epoch", "offset", "event", "code", "user", "retryAfter")
frames = st.fixed_dictionaries(
    {"type": st.sampled_from(["connected", "subscribed", "event", "error", "closing", "new"])},
    optional=dict.fromkeys(fields, json_values),
)


@given(st.text() | json_values.map(json.dumps) | frames.map(json.dumps))
def test_whatever_arrives_is_a_frame_or_a_protocol_error(text: str) -> None:
    with suppress(ProtocolError):
        assert isinstance(parse(text), Frame)


@pytest.mark.parametrize("text", ["", "[]", "null", "[" * 100_000, '{"type":[]}', '{"type":"event"}'])
def test_what_is_not_a_frame_is_a_protocol_error(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse(text)


def test_an_event_carries_its_envelope_and_keeps_the_rest_as_data() -> None:
    frame = parse(json.dumps({"type": "event", "room": "r", "offset": 7, "event": wire_event("r", 7)}))
    at = datetime(2026, 11, 23, 12, tzinfo=UTC)
    data = {"comment": "comment-7", "body": "hello"}
    assert frame == Pushed(Event("comment.posted", "id-7", "r", 7, at, "u1", data))


@pytest.mark.parametrize(
    ("fields", "frame"),
    [
        ({"type": "connected", "connection": "c", "user": "u1", "ping": 25, "new": 1}, Connected("u1")),
        (
            {"id": 2, "type": "subscribed", "room": "r", "epoch": "e", "offset": 0, "recovered": False},
            Subscribed(2, "r", Cursor("e", 0), recovered=False),
        ),
        ({"type": "error", "code": "late", "message": "too late"}, Failed(None, None, "late", "too late")),
        ({"id": 2, "type": "error", "code": "busy", "retryAfter": 1.5}, Failed(2, None, "busy", "", 1.5)),
        ({"type": "closing", "code": 4000, "message": "bye", "retryAfter": 3.2}, Closing(3.2)),
        ({"type": "degraded"}, Health(degraded=True)),
        ({"type": "restored"}, Health(degraded=False)),
        ({"type": "expiring", "seconds": 60}, Expiring()),
        ({"id": 3, "type": "refreshed", "seconds": 3600}, Other("refreshed", 3)),
        ({"type": "presence", "joined": []}, Other("presence")),
    ],
)
def test_frames_are_read_as_documented_and_additions_are_tolerated(
    fields: dict[str, Any], frame: object
) -> None:
    assert parse(json.dumps(fields)) == frame


@given(st.integers(), st.text(), st.text(), st.integers())
def test_a_subscribe_request_says_where_to_go_on(number: int, room: str, epoch: str, offset: int) -> None:
    since = {"epoch": epoch, "offset": offset}
    expected = {"id": number, "type": "subscribe", "room": room, "since": since}
    assert json.loads(encode(Subscribe(number, room, Cursor(epoch, offset)))) == expected


def test_a_request_leaves_out_what_it_does_not_have() -> None:
    assert encode(Subscribe(1, "r", None)) == '{"id":1,"type":"subscribe","room":"r"}'
    assert encode(Refresh(3, "t")) == '{"id":3,"type":"refresh","token":"t"}'
    assert encode(Unsubscribe(2, "r")) == '{"id":2,"type":"unsubscribe","room":"r"}'


@given(st.integers(4000, 4499))
def test_codes_below_4500_mean_come_back(code: int) -> None:
    assert may_reconnect(code)


@given(st.integers(4500, 4999))
def test_codes_from_4500_mean_stay_away(code: int) -> None:
    assert not may_reconnect(code)


@pytest.mark.parametrize("code", [1001, 1006, 1011, 1012])
def test_what_happens_to_any_socket_means_come_back(code: int) -> None:
    assert may_reconnect(code)


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1008, 1009, 1010])
def test_what_a_repetition_would_repeat_means_stay_away(code: int) -> None:
    assert not may_reconnect(code)


@pytest.mark.parametrize(
    ("url", "socket"),
    [
        ("http://host:8000", "ws://host:8000/v1/ws"),
        ("https://host/chat/", "wss://host/chat/v1/ws"),
    ],
)
def test_the_socket_is_beside_the_api(url: str, socket: str) -> None:
    assert socket_url(url) == socket


@pytest.mark.parametrize("url", ["", "host:8000", "ftp://host", "http://"])
def test_a_url_without_scheme_or_host_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="not an http"):
        socket_url(url)


@given(st.integers(500, 599) | st.sampled_from([408, 425, 429]))
def test_a_servers_trouble_is_worth_another_try(status: int) -> None:
    assert verdict(status) is Verdict.AGAIN


@given(st.integers(400, 499).filter(lambda status: status not in (408, 425, 429)))
def test_a_refusal_is_not_worth_another_try(status: int) -> None:
    assert verdict(status) is Verdict.REFUSED


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (None, 0.0),
        ("", 0.0),
        ("-1", 0.0),
        ("²", 0.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 0.0),
    ],
)
def test_retry_after_counts_in_seconds(header: str | None, seconds: float) -> None:
    assert retry_after(header) == seconds
