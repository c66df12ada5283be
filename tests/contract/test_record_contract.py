"""What travels beside an event: subject and headers."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from contract.recording import record
from hypothesis import given
from hypothesis import strategies as st

from events import ROOM, Record, received, rfc3339, subjects
from events.replay import Page, ReplayRequest, decode_page

rooms = st.from_regex(re.compile(ROOM.replace("$", r"\Z")))
apps = st.from_regex(r"\A[A-Za-z0-9_-]{1,64}\Z")
records = st.builds(
    Record,
    app=apps,
    room=rooms,
    epoch=st.from_regex(r"\A[0-9a-f]{12}\Z"),
    offset=st.integers(1, 2**63 - 1),
    id=st.uuids(),
    type=st.sampled_from(["comment.posted", "member.left"]),
    at=st.integers(0, 2**50).map(lambda us: rfc3339(datetime.fromtimestamp(us / 1e6, UTC))),
    data=st.binary(),
    trace=st.none() | st.just("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
)


@given(records)
def test_received_is_the_inverse_of_publishing(sent: Record) -> None:
    for prefix in ("", subjects.LIVE_PREFIX):
        assert received(prefix + sent.subject, sent.headers(), sent.data) == sent


@given(records)
def test_headers_can_be_sent_as_they_are(sent: Record) -> None:
    assert all(value.isascii() and value.isprintable() and value for value in sent.headers().values())


@given(records, records)
def test_different_events_have_different_message_ids(one: Record, other: Record) -> None:
    places = {(each.app, each.room, each.epoch, each.offset) for each in (one, other)}
    assert len({one.message_id, other.message_id}) == len(places)


def test_headers_are_cloud_events_with_a_trace() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert record("default", "chat-5-12", 7, trace=trace).headers() == {
        "Nats-Msg-Id": "default/chat-5-12:e1:7",
        "ce-specversion": "1.0",
        "ce-id": str(UUID(int=7)),
        "ce-source": "/apps/default/rooms/chat-5-12",
        "ce-type": "comment.posted",
        "ce-time": "2026-11-23T12:00:00.000000Z",
        "ce-epoch": "e1",
        "ce-offset": "7",
        "content-type": "application/json",
        "traceparent": trace,
    }


@pytest.mark.parametrize("missing", ["ce-id", "ce-time", "ce-epoch", "ce-offset"])
def test_a_message_without_our_headers_is_refused(missing: str) -> None:
    sent = record("default")
    headers = {name: value for name, value in sent.headers().items() if name != missing}
    with pytest.raises(ValueError, match=missing):
        received(sent.subject, headers, sent.data)


@pytest.mark.parametrize("subject", ["events", "events.a.b", "other.a.b.c", "live.other.a.b.c", ""])
def test_a_subject_of_something_else_is_refused(subject: str) -> None:
    with pytest.raises(ValueError, match="not a subject"):
        subjects.parts(subject)


@given(st.text(st.characters(codec="utf-8")))
def test_a_token_stands_for_any_text_and_means_nothing_to_nats(text: str) -> None:
    token = subjects.token(text)
    assert subjects.room_of(token) == text
    assert not re.search(r"[.*>\x00-\x20\x7f]", token)


@given(apps, rooms, st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_signal_is_heard_under_its_own_name(app: str, room: str, name: str) -> None:
    subject = subjects.signal(app, room, name)
    assert subjects.parts(subject) == (app, room, name)
    assert len(subject.split(".")) == 4


@given(rooms, rooms)
def test_rooms_never_share_a_subject(one: str, other: str) -> None:
    assert (subjects.live("app", one) == subjects.live("app", other)) == (one == other)


@given(st.lists(st.sampled_from([b'{"a":1}', '{"b":"ü\\n"}'.encode()])), st.integers(0, 99))
def test_a_replay_page_is_read_as_it_was_written(events: list[bytes], after: int) -> None:
    page = Page("e1", after + len(events), after + 1, events)
    assert decode_page(page.encode()) == page


@pytest.mark.parametrize("answer", [b"", b"{}", b"[]", b'{"epoch":"e","head":"x","first":1}'])
def test_what_is_not_a_page_is_refused(answer: bytes) -> None:
    with pytest.raises(ValueError):
        decode_page(answer)


@pytest.mark.parametrize(
    "change",
    [{"app": "a.b"}, {"app": "\0"}, {"room": "*"}, {"after": -1}, {"after": 2**63}, {"limit": 1001}],
)
def test_a_replay_request_has_bounds(change: dict[str, object]) -> None:
    asked = {"app": "default", "room": "lobby", "after": 0, "limit": 100}
    assert ReplayRequest.model_validate_json(json.dumps(asked)).room == "lobby"
    with pytest.raises(ValueError):
        ReplayRequest.model_validate_json(json.dumps(asked | change))


def test_a_time_is_spelled_in_utc_with_six_decimals() -> None:
    east = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    assert rfc3339(east) == "2026-01-01T00:00:00.000000Z"
