"""Server-sent events as bytes: what is encoded is what an EventSource reads."""

import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from eventsource import Message, Parser
from hypothesis import given
from hypothesis import strategies as st

from events import CommentPosted, encode
from fanout import sse
from fanout.native import signalled
from fanout.requests import Position

BREAKS = "\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\0\ufeff:"
"""What some reader or other takes for the end of a line, or for something else of its own."""

text = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(BREAKS))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
)
epochs = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64)
positions = st.builds(Position, epochs, st.integers(0, 2**53 - 1))
metas = st.dictionaries(text, values, max_size=3)


def event(offset: int, body: str, meta: dict[str, Any]) -> bytes:
    return encode(
        CommentPosted(
            id=UUID(int=offset),
            room="lobby",
            offset=offset,
            at=datetime(2026, 11, 23, tzinfo=UTC),
            actor=body,
            comment=UUID(int=1),
            body=body,
            image_meta=meta,
        )
    )


def read(stream: bytes, *cuts: int) -> tuple[list[Message], Parser]:
    """What an EventSource makes of a stream that arrives in pieces."""
    parser = Parser()
    ends = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [message for start, end in pairwise(ends) for message in parser.feed(stream[start:end])], parser


@given(positions)
def test_a_position_comes_back_from_its_id(position: Position) -> None:
    assert sse.position(sse.id_of(position)) == position


@pytest.mark.parametrize(
    "id_",
    [
        "",
        "7",
        "x7Tq",
        "x7Tq:",
        ":7",
        "x7Tq:-1",
        "x7Tq:07",
        "x7Tq:7 ",
        "x7Tq:\u0667",
        "x 7:7",
        "e" * 65 + ":7",
    ],
)
def test_any_other_id_is_none_of_ours(id_: str) -> None:
    assert sse.position(id_) is None
    assert sse.position(id_ + "\n") is None


@given(epochs, st.lists(st.tuples(text, metas), max_size=4), st.lists(st.integers(0), max_size=6))
def test_events_are_read_as_they_were_encoded(
    epoch: str, contents: list[tuple[str, dict[str, Any]]], cuts: list[int]
) -> None:
    events = [event(offset, *content) for offset, content in enumerate(contents, 1)]
    frames = [sse.ENCODING.event("lobby", epoch, offset, data) for offset, data in enumerate(events, 1)]
    messages, _ = read(b"".join(frames), *cuts)
    assert messages == [
        Message("message", data.decode(), f"{epoch}:{offset}") for offset, data in enumerate(events, 1)
    ]


@given(text, metas)
def test_a_frame_has_no_line_break_but_its_own(body: str, meta: dict[str, Any]) -> None:
    frame = sse.ENCODING.event("lobby", "x7Tq", 7, event(7, body, meta))
    assert frame.count(b"\n") == 3
    assert frame.endswith(b"\n\n")
    assert b"\r" not in frame


@given(text, values)
def test_a_signal_has_a_name_and_leaves_the_position_as_it_is(user: str, data: Any) -> None:
    sent = signalled("typing", user, json.dumps(data, ensure_ascii=False).encode())
    stream = sse.ENCODING.event("lobby", "x7Tq", 7, b"{}") + sse.ENCODING.signal("lobby", sent)
    _, signal = read(stream)[0]
    assert (signal.type, signal.id) == ("signal", "x7Tq:7")
    assert json.loads(signal.data) == {"room": "lobby", "name": "typing", "user": user, "data": data}


HEAD = Position("x7Tq", 57)


@pytest.mark.parametrize("since", [None, Position("x7Tq", 41)])
def test_a_subscription_gives_the_position_that_it_goes_on_from(since: Position | None) -> None:
    [message], _ = read(sse.subscribed("lobby", HEAD, since=since))
    assert (message.type, message.id) == ("subscribed", "x7Tq:41" if since else "x7Tq:57")
    recovered = since is not None
    assert json.loads(message.data) == {
        "room": "lobby",
        "epoch": "x7Tq",
        "offset": 57,
        "recovered": recovered,
        "presence": None,
        "receipts": None,
    }


def test_a_closing_says_when_to_come_back_to_the_page_and_to_its_eventsource() -> None:
    [message], parser = read(sse.closing(4000, "resume", 3.2004))
    assert message == Message("closing", '{"code":4000,"message":"resume","retryAfter":3.2}', "")
    assert parser.retry == 3200


def test_a_closing_without_return_leaves_the_time_as_it_is() -> None:
    messages, parser = read(sse.retry(1.5) + sse.closing(4002, "expired"))
    assert messages == [Message("closing", '{"code":4002,"message":"expired"}', "")]
    assert parser.retry == 1500


def test_what_has_nothing_to_say_is_dispatched_all_the_same() -> None:
    messages, _ = read(sse.DEGRADED + sse.RESTORED + sse.expiring(59.99999))
    assert [(message.type, message.data) for message in messages] == [
        ("degraded", "{}"),
        ("restored", "{}"),
        ("expiring", '{"seconds":60.0}'),
    ]


def test_a_heartbeat_is_a_comment() -> None:
    messages, parser = read(sse.HEARTBEAT)
    assert (messages, parser.comments) == ([], 1)
