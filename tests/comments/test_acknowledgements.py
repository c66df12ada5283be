"""Messages of the stream of receipts, put together."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comments.acknowledgements import Whose, gather
from comments.watermarks import Acknowledged, Mark
from events.receipts import Receipt, Receipts, Taken

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def message(
    *receipts: tuple[str, int, int],
    room: str = "a",
    epoch: str | None = "e",
    ago: float = 1,
    again: bool = False,
) -> Taken:
    at = NOW - timedelta(seconds=ago)
    said = [Receipt(user=user, delivered=delivered, read=read) for user, delivered, read in receipts]
    return Taken(room, Receipts(epoch=epoch, at=at, receipts=said).encode(), "reply", again)


def marks(delivered: int, read: int, ago: float = 1) -> Acknowledged:
    at = NOW - timedelta(seconds=ago)
    return Acknowledged(Mark(delivered, at), Mark(read, at))


def test_a_user_is_there_once_a_room_and_epoch_in_their_order() -> None:
    found = gather(
        [
            message(("u2", 3, 1), ("u1", 2, 0), room="b"),
            message(("u1", 4, 4), epoch=None),
            message(("u1", 5, 0), ("u1", 1, 6)),
        ],
        NOW,
    )
    assert list(found.acknowledged.items()) == [
        (Whose("a", "u1", None), marks(4, 4)),
        (Whose("a", "u1", "e"), marks(6, 6)),
        (Whose("b", "u1", "e"), marks(2, 0)),
        (Whose("b", "u2", "e"), marks(3, 1)),
    ]
    assert found.refused == []


def test_nothing_was_acknowledged_in_the_future() -> None:
    found = gather([message(("u1", 1, 1), ago=-60)], NOW)
    assert found.acknowledged == {Whose("a", "u1", "e"): marks(1, 1, ago=0)}
    assert found.oldest == NOW


def test_the_oldest_says_how_late_it_is() -> None:
    found = gather([message(("u1", 1, 1), ago=3), message(("u2", 1, 1), ago=7)], NOW)
    assert found.oldest == NOW - timedelta(seconds=7)


def test_what_came_again_is_marked() -> None:
    found = gather([message(("u1", 1, 1), again=True), message(("u1", 2, 1), ("u2", 1, 1))], NOW)
    assert found.again == {Whose("a", "u1", "e")}


def of_one(user: str, delivered: str) -> bytes:
    said = f'{{"user":"{user}","delivered":{delivered},"read":0}}'
    return f'{{"at":"2026-11-23T12:00:00Z","receipts":[{said}]}}'.encode()


POISON = {
    "nothing": b"",
    "no JSON": b"{",
    "deep": b"[" * 5000,
    "no object": b"[]",
    "no time": b'{"receipts":[]}',
    "a time before all times": b'{"at":"0001-01-01T00:00:00+14:00","receipts":[]}',
    "no offset": of_one("u1", '"x"'),
    "below": of_one("u1", "-1"),
    "too high": of_one("u1", str(2**63)),
    "half a character": of_one("\\ud800", "1"),
    "NUL": of_one("\\u0000", "1"),
}


@pytest.mark.parametrize("data", POISON.values(), ids=POISON)
def test_what_cannot_be_read_is_refused_alone(data: bytes) -> None:
    bad = Taken("a", data, "reply")
    found = gather([message(("u1", 1, 0)), bad, message(("u2", 1, 0))], NOW)
    assert [one for one, _ in found.refused] == [bad]
    assert [whose.user for whose in found.acknowledged] == ["u1", "u2"]


RECEIPT = st.tuples(st.sampled_from(["u1", "u2"]), st.integers(0, 9), st.integers(0, 9))
OPTIONS = st.fixed_dictionaries(
    {"room": st.sampled_from("ab"), "epoch": st.sampled_from(["e", "f", None]), "ago": st.integers(-3, 9)}
)


@given(st.data(), st.lists(st.tuples(st.lists(RECEIPT, max_size=3), OPTIONS), max_size=6))
def test_any_order_and_any_repeat_of_messages_says_the_same(
    data: st.DataObject, contents: list[tuple[list[tuple[str, int, int]], dict[str, Any]]]
) -> None:
    messages = [message(*receipts, **options) for receipts, options in contents]
    again = data.draw(st.lists(st.sampled_from(messages), max_size=3)) if messages else []
    shuffled = data.draw(st.permutations(messages + again))
    assert gather(shuffled, NOW).acknowledged == gather(messages, NOW).acknowledged
