"""What clients send: requests, or refused."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from events.presence import Activity
from fanout import native
from fanout.receiving import MAX_ID, BadFrame, BadRequest, identify, receive
from fanout.requests import (
    Acknowledge,
    AskPresence,
    Connect,
    Position,
    SetActivity,
    Signal,
    Subscribe,
    Typing,
    Unsubscribe,
    WatchUnread,
)

IDS = st.integers(0, MAX_ID)
ROOMS = st.from_regex(r"[A-Za-z0-9_\-=@,.;]{1,164}", fullmatch=True)
TEXT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)
POSITIONS = st.builds(Position, st.text(max_size=64), IDS)
SIGNAL_NAMES = st.from_regex(r"[A-Za-z0-9_\-:.]{1,64}", fullmatch=True).filter(lambda name: name != "typing")
TYPES = st.sampled_from(
    [
        "connect",
        "subscribe",
        "unsubscribe",
        "typing",
        "signal",
        "delivered",
        "read",
        "presence",
        "activity",
        "unread",
        "shout",
    ]
)
REQUESTS = st.fixed_dictionaries(
    {"type": TYPES},
    optional={
        "id": IDS | JSON,
        "room": ROOMS | JSON,
        "token": TEXT,
        "device": TEXT | JSON,
        "offset": IDS | JSON,
        "users": st.lists(TEXT) | JSON,
        "activity": st.sampled_from(["active", "idle"]) | JSON,
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
        request = receive(frame)
    except (BadFrame, BadRequest):
        return
    assert 0 <= request.id <= MAX_ID


@given(IDS, TEXT)
def test_a_connect_request_is_understood(id: int, token: str) -> None:  # noqa: A002
    frame = json.dumps({"id": id, "type": "connect", "token": token})
    assert receive(frame) == Connect(id, token)


@given(IDS, ROOMS, st.none() | POSITIONS)
def test_a_subscribe_request_is_understood(id: int, room: str, since: Position | None) -> None:  # noqa: A002
    position = {"epoch": since.epoch, "offset": since.offset} if since else None
    frame = json.dumps({"type": "subscribe", "room": room, "since": position, "id": id})
    assert receive(frame) == Subscribe(id, room, since)


@given(IDS, ROOMS)
def test_an_unsubscribe_request_is_understood(id: int, room: str) -> None:  # noqa: A002
    frame = json.dumps({"id": id, "type": "unsubscribe", "room": room})
    assert receive(frame) == Unsubscribe(id, room)


@given(IDS, ROOMS, SIGNAL_NAMES, TEXT, JSON)
def test_what_is_signalled_arrives_as_it_was_sent(
    id: int,  # noqa: A002
    room: str,
    name: str,
    user: str,
    data: Any,
) -> None:
    request = receive(json.dumps({"id": id, "type": "signal", "room": room, "name": name, "data": data}))
    assert isinstance(request, Signal)
    assert (request.id, request.room, request.name) == (id, room, name)
    arrived = read(native.signal(room, native.signalled(name, user, request.data)))
    assert arrived == {"type": "signal", "room": room, "name": name, "user": user, "data": data}


def test_typing_is_a_request_of_its_own() -> None:
    assert receive('{"id":4,"type":"typing","room":"r"}') == Typing(4, "r")


def test_a_device_may_be_named_when_connecting() -> None:
    frame = '{"id":4,"type":"connect","token":"t","device":"Firefox on Linux"}'
    assert receive(frame) == Connect(4, "t", "Firefox on Linux")


@given(IDS, ROOMS, st.integers(1, MAX_ID))
def test_what_was_delivered_and_read_is_acknowledged(id: int, room: str, offset: int) -> None:  # noqa: A002
    fields = {"id": id, "room": room, "offset": offset}
    assert receive(json.dumps({**fields, "type": "delivered"})) == Acknowledge(id, room, offset, 0)
    assert receive(json.dumps({**fields, "type": "read"})) == Acknowledge(id, room, offset, offset)


def test_users_are_asked_for_once_each_and_in_order() -> None:
    frame = '{"id":4,"type":"presence","room":"r","users":["b","a","b"]}'
    assert receive(frame) == AskPresence(4, "r", ("b", "a"))


@pytest.mark.parametrize("activity", ["active", "idle"])
def test_a_client_says_whether_its_user_is_active(activity: Activity) -> None:
    frame = json.dumps({"id": 4, "type": "activity", "activity": activity})
    assert receive(frame) == SetActivity(4, activity)


def test_what_is_unread_can_be_watched() -> None:
    assert receive('{"id":4,"type":"unread"}') == WatchUnread(4)


def test_a_request_is_identified_without_being_understood() -> None:
    assert identify('{"id":4,"type":"shout"}') == 4
    assert identify('{"id":"4","type":"typing"}') is None


@pytest.mark.parametrize(
    "frame", ["", "{", "[]", "null", '"text"', "{}", '{"type":1}', "[" * 4000, "\ufeff{}"]
)
def test_what_is_no_object_with_a_type_is_a_bad_frame(frame: str) -> None:
    with pytest.raises(BadFrame):
        receive(frame)


@pytest.mark.parametrize("id", ["null", "-1", "1.0", "true", '"1"', str(2**53), "[]"])
def test_an_id_that_is_no_integer_that_json_keeps_exact_is_a_bad_request(id: str) -> None:  # noqa: A002
    with pytest.raises(BadRequest) as bad:
        receive(f'{{"id":{id},"type":"typing","room":"r"}}')
    assert bad.value.id is None


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "shout"},
        {"type": "connect"},
        {"type": "connect", "token": 5},
        {"type": "connect", "token": "t", "device": ""},
        {"type": "connect", "token": "t", "device": "d" * 65},
        {"type": "connect", "token": "t", "device": "d\n"},
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
        {"type": "signal", "room": "r", "name": "typing"},
        {"type": "delivered", "room": "r"},
        {"type": "delivered", "room": "r", "offset": 0},
        {"type": "read", "room": "r", "offset": 1.0},
        {"type": "read", "room": "r", "offset": 2**53},
        {"type": "presence", "room": "r"},
        {"type": "presence", "room": "r", "users": "u1"},
        {"type": "presence", "room": "r", "users": [""]},
        {"type": "presence", "room": "r", "users": ["u" * 129]},
        {"type": "presence", "room": "r", "users": ["u"] * 101},
        {"type": "activity", "activity": "away"},
    ],
)
def test_a_bad_request_is_answered_under_its_id(fields: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as bad:
        receive(json.dumps({"id": 7} | fields))
    assert bad.value.id == 7
