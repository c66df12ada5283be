"""Claims become an identity, or are refused by name."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.identity import BadClaims, Right, grants, identity, matches, object_of

rooms = st.text("ab-*=", max_size=12)


def claims(**changes: Any) -> dict[str, Any]:
    return {"sub": "u1", "exp": 2_000_000_000, "rooms": {"chat-*": "rw"}} | changes


@given(pattern=rooms, room=st.text("ab-=", max_size=12))
def test_a_star_is_any_run_of_characters_and_nothing_else_is_special(pattern: str, room: str) -> None:
    expression = ".*".join(map(re.escape, pattern.split("*")))
    assert matches(pattern, room) == bool(re.fullmatch(expression, room))


@given(
    parts=st.lists(st.text("ab-=.[]?", max_size=4), min_size=1, max_size=6),
    filler=st.text("ab?[", max_size=3),
)
def test_a_pattern_matches_whatever_its_stars_are_replaced_with(parts: list[str], filler: str) -> None:
    assert matches("*".join(parts), filler.join(parts))


@pytest.mark.parametrize("pattern", ["chat-?", "chat-[0-9]", "chat-.", "CHAT-5", "chat-5 ", "chat"])
def test_a_room_that_only_another_syntax_would_match_is_not_matched(pattern: str) -> None:
    assert not matches(pattern, "chat-5")


def test_a_hostile_pattern_takes_no_longer_than_an_honest_one() -> None:
    assert not matches("a*" * 80 + "b*", "a" * 400_000)


@pytest.mark.parametrize(
    ("letters", "allowed"), [("r", "r"), ("w", "w"), ("rw", "rw"), ("m", "rwm"), ("rm", "rwm"), ("rrw", "rw")]
)
def test_moderating_implies_reading_and_writing_and_nothing_else_implies_anything(
    letters: str, allowed: str
) -> None:
    caller = identity(claims(rooms={"chat-*": letters}))
    rights: tuple[Right, ...] = ("r", "w", "m")
    assert [right for right in rights if caller.may(right, "chat-5")] == [
        right for right in "rwm" if right in allowed
    ]


def test_rights_end_where_their_patterns_end() -> None:
    caller = identity(claims(rooms={"chat-*": "r", "chat-5-*": "w", "lobby": "m"}))
    assert caller.may("r", "chat-5-1")
    assert caller.may("w", "chat-5-1")
    assert not caller.may("w", "chat-6-1")
    assert not caller.may("r", "lobby-2")


def test_a_token_without_rooms_gives_no_rights() -> None:
    assert not identity({"sub": "u1", "exp": 2_000_000_000}).may("r", "chat-5")


@pytest.mark.parametrize("name", ["Zoë 👩‍👩‍👧", "", "x" * 200])
def test_names_may_be_what_people_are_called(name: str) -> None:
    assert identity(claims(name=name)).name == name


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("sub", None),
        ("sub", ""),
        ("sub", 7),
        ("sub", "x" * 129),
        ("sub", "a\nb"),
        ("sub", "a\u202eb"),
        ("sub", "\ud800"),
        ("exp", None),
        ("exp", "2000000000"),
        ("exp", True),
        ("exp", -1),
        ("exp", float("nan")),
        ("exp", float("inf")),
        ("exp", 10**400),
        ("exp", [1]),
        ("name", 7),
        ("name", "x" * 201),
        ("name", "a\x00b"),
        ("name", "\ud800"),
        ("avatar", "javascript:alert(1)"),
        ("avatar", "data:image/png;base64,AA"),
        ("avatar", "https://"),
        ("avatar", "https://[::"),
        ("avatar", "https://e.com/" + "x" * 2000),
        ("avatar", "https://e.com/\n"),
        ("avatar", 7),
        ("rooms", []),
        ("rooms", "*"),
        ("rooms", {"a b": "r"}),
        ("rooms", {"": "r"}),
        ("rooms", {"x" * 165: "r"}),
        ("rooms", {"chat": ""}),
        ("rooms", {"chat": "x"}),
        ("rooms", {"chat": ["r"]}),
        ("rooms", {"a>": "r"}),
        ("rooms", {f"r{n}": "r" for n in range(257)}),
    ],
)
def test_a_claim_that_is_not_valid_is_refused_by_name(claim: str, value: Any) -> None:
    with pytest.raises(BadClaims, match=f"^{claim}"):
        identity(claims(**{claim: value}))


@pytest.mark.parametrize("payload", [b"", b"[]", b"1", b"null", b'"x"', b"\xff", b"[" * 100_000, b"1" * 5000])
def test_a_payload_that_is_no_object_is_refused(payload: bytes) -> None:
    with pytest.raises(BadClaims):
        object_of(payload)


def test_two_hundred_and_fifty_six_patterns_are_accepted() -> None:
    assert grants({f"r{n}": "r" for n in range(256)}).allow("r", "r255")
