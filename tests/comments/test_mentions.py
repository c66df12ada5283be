"""Whom a comment mentions."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comments.commands import EditComment, Join, Leave, PostComment
from comments.ids import uuid7
from comments.log import Outcome
from comments.mentions import LONGEST, LOOKED_UP, candidates, mentions
from comments.testing import MemoryLog
from comments.views import Comment

KNOWN = ["u1", "u2", "bob", "bob.", "bob@example.com", "a-b", "a", "dXNlcjE=", "auth0|5f", "👋", "Zoë"]
TEXTS = st.lists(
    st.sampled_from(
        [*KNOWN, "@", "@", "@", " ", "\n", "👋", ".", ",", "'s", "x", "\ud800", "\0", "-", "(", ")"]
    )
    | st.text(max_size=3),
    max_size=20,
).map("".join)


def units(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


@given(TEXTS, st.sets(st.sampled_from(KNOWN)), st.integers(0, 4))
def test_every_mention_selects_an_at_sign_and_the_id_of_somebody_known(
    body: str, known: set[str], most: int
) -> None:
    found = mentions(body, known, most)
    end = 0
    for each in found:
        assert units(body)[2 * each.start : 2 * each.end] == units("@" + each.user)
        assert each.user in known
        assert each.start >= end
        end = each.end
    assert len(found) <= most
    assert {each.user for each in found} <= candidates(body, most)
    assert mentions(body, known, most) == found
    assert mentions(body, candidates(body, most) & known, most) == found


@given(TEXTS)
def test_what_may_be_an_id_is_text_that_postgres_can_hold(body: str) -> None:
    for name in candidates(body):
        assert "\0" not in name.encode().decode()
        assert 1 <= len(name) <= LONGEST


@pytest.mark.parametrize(
    ("body", "users"),
    [
        ("@u1", ["u1"]),
        ("hi @u1, (@u2)! @u1's", ["u1", "u2", "u1"]),
        ("@bob. @bob, @bob..", ["bob.", "bob", "bob."]),
        ("@bob@example.com", ["bob@example.com"]),
        ("@dXNlcjE= @auth0|5f.", ["dXNlcjE=", "auth0|5f"]),
        ("@a-b @a-c @a", ["a-b", "a", "a"]),
        ("👋@👋 @Zoë\n@u1", ["👋", "Zoë", "u1"]),
        ("-@u1 @@u2", ["u1", "u2"]),
        ("me@u1 me+x@u1.org me.-@u1 @u12 @nobody @u1@u2.org @ u1 u1", ["u1"]),
    ],
)
def test_a_mention_is_the_longest_id_that_is_no_part_of_a_word_or_an_address(
    body: str, users: list[str]
) -> None:
    assert [each.user for each in mentions(body, KNOWN)] == users


def test_no_more_are_mentioned_than_the_limit() -> None:
    body = "@u1 @u2 " * 100
    assert len(mentions(body, KNOWN)) == 50
    assert mentions(body, KNOWN, 0) == []


@pytest.mark.parametrize("body", ["@" * 10_000, "@a." * 3_300, "@" + "." * 9_999, "@x " * 3_300])
def test_no_text_makes_many_look_ups(body: str) -> None:
    assert len(candidates(body, 50)) <= 50 * LOOKED_UP


# In a room


def post(body: str, actor: str = "u1") -> PostComment:
    return PostComment(room="a", actor=actor, comment=uuid7(), body=body)


async def commented(log: MemoryLog, command: PostComment | EditComment | Join | Leave) -> Comment | None:
    [outcome] = await log.append([command])
    assert isinstance(outcome, Outcome)
    return outcome.comment


def mentioned(comment: Comment | None) -> list[str]:
    assert comment is not None
    return [each.user for each in comment.mentions]


async def test_members_of_the_moment_are_mentioned() -> None:
    log = MemoryLog()
    assert mentioned(await commented(log, post("@u1 @u2"))) == []
    await commented(log, Join(room="a", actor="u2", user="u2"))
    assert mentioned(await commented(log, post("@u1 @u2"))) == ["u1", "u2"]
    await commented(log, Leave(room="a", actor="u2", user="u2"))
    assert mentioned(await commented(log, post("@u1 @u2"))) == ["u1"]


async def test_an_edit_mentions_anew_unless_the_text_stays() -> None:
    log = MemoryLog()
    for user in ("u2", "u3"):
        await commented(log, Join(room="a", actor=user, user=user))
    first = post("@u2")
    await commented(log, first)
    edit = EditComment(room="a", actor="u1", comment=first.comment, moderator=False, changes={})
    assert mentioned(await commented(log, replace(edit, changes={"body": "@u3 @u2"}))) == ["u3", "u2"]
    await commented(log, Leave(room="a", actor="u2", user="u2"))
    assert mentioned(await commented(log, replace(edit, changes={"image_meta": {}}))) == ["u3", "u2"]
    assert mentioned(await commented(log, replace(edit, changes={"body": "@u3 @u2!"}))) == ["u3"]
