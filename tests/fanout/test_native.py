"""The native protocol's codec: whatever a client sends, and what is sent to it."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fanout import native
from fanout.native import MAX_ID, BadFrame, BadRequest, Connect, Position, Signal, Subscribe, Unsubscribe

IDS = st.integers(0, MAX_ID)
ROOMS = st.from_regex(r"[A-Za-z0-9_\-=@,.;]{1,164}", fullmatch=True)
TEXT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)
POSITIONS = st.builds(Position, st.text(max_size=64), IDS)
SIGNAL_NAMES = st.from_regex(r"[A-Za-z0-9_\-:.]{1,64}", fullmatch=True)
TYPES = st.sampled_from(["connect", "subscribe", "unsubscribe", "typing", "signal", "shout"])
REQUESTS = st.fixed_dictionaries(
    {"type": TYPES},
    optional={
        "id": IDS | JSON,
        "room": ROOMS | JSON,
        "token": TEXT,
        "name": SIGNAL_NAMES | JSON,
        "since": JSON | st.fixed_dictionaries({"epoch": TEXT | JSON, "offset": IDS | JSON}),
        "data": JSON,
    },
)


def read(frame: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(frame, parse_constant=pytest.fail)
    return fields


@given(st.text() | JSON.map(json.dumps) | REQUESTS.map(json.dumps))
@example("[" * 4000)
@example('{"type":"signal","id":1,"room":"r","name":"n","data":' + "[" * 990 + "]" * 990 + "}")
@example('{"type":"signal","id":1,"room":"r","name":"n","data":NaN}')
@example('{"type":"signal","id":1,"room":"r","name":"n","data":1e999}')
@example('{"type":"typing","id":' + "9" * 5000 + ',"room":"r"}')
@example('{"type":"connect","id":1,"token":"\\ud800"}')
def test_a_frame_is_a_request_or_bad(frame: str) -> None:
    try:
        request = native.receive(frame)
    except (BadFrame, BadRequest):
        return
    assert 0 <= request.id <= MAX_ID


@given(IDS, TEXT)
def test_a_connect_request_is_understood(id: int, token: str) -> None:  # noqa: A002
    frame = json.dumps({"id": id, "type": "connect", "token": token})
    assert native.receive(frame) == Connect(id, token)


@given(IDS, ROOMS, st.none() | POSITIONS)
def test_a_subscribe_request_is_understood(id: int, room: str, since: Position | None) -> None:  # noqa: A002
    position = {"epoch": since.epoch, "offset": since.offset} if since else None
    frame = json.dumps({"type": "subscribe", "room": room, "since": position, "id": id})
    assert native.receive(frame) == Subscribe(id, room, since)


@given(IDS, ROOMS)
def test_an_unsubscribe_request_is_understood(id: int, room: str) -> None:  # noqa: A002
    frame = json.dumps({"id": id, "type": "unsubscribe", "room": room})
    assert native.receive(frame) == Unsubscribe(id, room)


@given(IDS, ROOMS, SIGNAL_NAMES, TEXT, JSON)
def test_what_is_signalled_arrives_as_it_was_sent(
    id: int,  # noqa: A002
    room: str,
    name: str,
    user: str,
    data: Any,
) -> None:
    request = native.receive(
        json.dumps({"id": id, "type": "signal", "room": room, "name": name, "data": data})
    )
    assert isinstance(request, Signal)
    assert (request.id, request.room, request.name) == (id, room, name)
    arrived = read(native.signal(room, native.signalled(name, user, request.data)))
    assert arrived == {"type": "signal", "room": room, "name": name, "user": user, "data": data}


def test_typing_is_a_signal_of_that_name() -> None:
    assert native.receive('{"id":4,"type":"typing","room":"r"}') == Signal(4, "r", "typing", b"null")


@pytest.mark.parametrize(
    "frame", ["", "{", "[]", "null", '"text"', "{}", '{"type":1}', "[" * 4000, "\ufeff{}"]
)
def test_what_is_no_object_with_a_type_is_a_bad_frame(frame: str) -> None:
    with pytest.raises(BadFrame):
        native.receive(frame)


@pytest.mark.parametrize("id", ["null", "-1", "1.0", "true", '"1"', str(2**53), "[]"])
def test_an_id_that_is_no_integer_that_json_keeps_exact_is_a_bad_request(id: str) -> None:  # noqa: A002
    with pytest.raises(BadRequest) as bad:
        native.receive(f'{{"id":{id},"type":"typing","room":"r"}}')
    assert bad.value.id is None


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "shout"},
        {"type": "connect"},
        {"type": "connect", "token": 5},
        {"type": "subscribe"},
        {"type": "subscribe", "room": ""},
        {"type": "subscribe", "room": "a room"},
        {"type": "subscribe", "room": "line\n"},
        {"type": "subscribe", "room": "r" * 165},
        {"type": "subscribe", "room": "r", "since": 5},
        {"type": "subscribe", "room": "r", "since": {"offset": 5}},
        {"type": "subscribe", "room": "r", "since": {"epoch": "e", "offset": -1}},
        {"type": "subscribe", "room": "r", "since": {"epoch": "e", "offset": 1.0}},
        {"type": "subscribe", "room": "r", "since": {"epoch": "e", "offset": True}},
        {"type": "subscribe", "room": "r", "since": {"epoch": "e" * 65, "offset": 1}},
        {"type": "unsubscribe", "room": None},
        {"type": "signal", "room": "r"},
        {"type": "signal", "room": "r", "name": ""},
        {"type": "signal", "room": "r", "name": "a b"},
        {"type": "signal", "room": "r", "name": "n" * 65},
    ],
)
def test_a_bad_request_is_answered_under_its_id(fields: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as bad:
        native.receive(json.dumps({"id": 7} | fields))
    assert bad.value.id == 7


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
