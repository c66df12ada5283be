"""The wire form of events: these files are what readers elsewhere were written against."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator

from events import (
    TYPES,
    CommentDeleted,
    CommentEdited,
    CommentPosted,
    Event,
    MemberJoined,
    MemberLeft,
    Mention,
    RoomCreated,
    RoomUpdated,
    decode,
    encode,
)
from events.asyncapi import json_schema

GOLDEN = Path(__file__).with_name("golden")
EARLIER = Path(__file__).with_name("golden_earlier")
"""What was written before a field was added, in a directory of its name."""
COMMENT = UUID("0198c6f2-7d1b-7a52-9c3e-1f0d5f6a7b8c")
STAMP: dict[str, Any] = {
    "id": UUID("0198c6f2-7d1c-7b00-8000-00000000002a"),
    "room": "chat-5-12",
    "offset": 7,
    "at": datetime(2026, 11, 23, 12, 0, 0, 0, UTC),
    "actor": "u1",
}
EVENTS: list[Event] = [
    CommentPosted(
        **STAMP,
        comment=COMMENT,
        body='Grüße 👋 @u2 "quoted"\n\u2028',
        author_name="User One",
        client_id="k1",
        image_meta={"url": "https://example.org/a.png", "size": [1, 2.5, None, True]},
        mentions=[Mention(user="u2", start=9, end=12)],
        urgent=True,
    ),
    CommentEdited(
        **STAMP,
        comment=COMMENT,
        body="better, @u2",
        video_meta={"seconds": 3},
        mentions=[Mention(user="u2", start=8, end=11)],
    ),
    CommentDeleted(**STAMP, comment=COMMENT),
    RoomCreated(**STAMP, attributes={"challengeId": 5, "cohortId": 12}),
    RoomUpdated(**STAMP, attributes={}),
    MemberJoined(**STAMP, user="u2", name="User Two", avatar="https://example.org/u2.png"),
    MemberLeft(**STAMP, user="u2"),
]
each = pytest.mark.parametrize("event", EVENTS, ids=lambda event: str(event.type))


def test_every_type_of_event_has_a_golden_file() -> None:
    assert {type(event) for event in EVENTS} == set(TYPES)
    assert {file.stem for file in GOLDEN.iterdir()} == {event.type for event in EVENTS}


@each
def test_an_event_is_encoded_as_it_always_was(event: Event) -> None:
    assert encode(event) == (GOLDEN / f"{event.type}.json").read_bytes()


@each
def test_an_event_written_earlier_is_still_read(event: Event) -> None:
    assert decode((GOLDEN / f"{event.type}.json").read_bytes()) == event


DEFAULTS = {"mentions": [], "urgent": False}
"""Of fields that were added."""


@pytest.mark.parametrize(
    "file", sorted(EARLIER.glob("*/*.json")), ids=lambda file: f"{file.stem} without {file.parent.name}"
)
def test_an_event_from_before_a_field_was_added_has_its_default(file: Path) -> None:
    event, field = decode(file.read_bytes()), file.parent.name
    assert event.type == file.stem
    assert field not in json.loads(file.read_bytes())
    assert getattr(event, field) == DEFAULTS[field]


@each
def test_fields_of_a_later_version_are_ignored(event: Event) -> None:
    later = json.loads(encode(event)) | {"reactions": {"👍": 3}}
    assert decode(json.dumps(later)) == event


@each
def test_the_published_schema_describes_the_event(event: Event) -> None:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(encode(event)))


def test_an_event_of_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match=r"comment\.liked"):
        decode(json.dumps(json.loads(encode(EVENTS[0])) | {"type": "comment.liked"}))


@pytest.mark.parametrize("number", [10**30, -(2**63) - 1, 1e308, 0.1, 2**53 + 1])
def test_numbers_of_any_size_survive(number: float) -> None:
    event = RoomUpdated(**STAMP, attributes={"n": number})
    assert decode(encode(event)) == event


@pytest.mark.parametrize("change", [{"offset": 0}, {"room": "a/b"}, {"room": "a\n"}, {"at": "yesterday"}])
def test_an_event_outside_the_grammar_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        decode(json.dumps(json.loads(encode(EVENTS[0])) | change))


def test_times_sort_as_text() -> None:
    whole, later = (STAMP | {"at": datetime(2026, 11, 23, 12, 0, 0, us, UTC)} for us in (0, 1))
    assert encode(MemberLeft(**whole, user="u")) < encode(MemberLeft(**later, user="u"))
