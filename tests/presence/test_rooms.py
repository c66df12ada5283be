"""A room of any size: its count at once, its pages in order, its messages small enough to be sent."""

import json
from collections.abc import Iterator

import pytest
from attendance import key, lease
from hypothesis import given
from hypothesis import strategies as st

from events.presence import Joined, Left, Person
from presence.answers import Answers
from presence.rooms import Room
from presence.rules import Rules
from presence.transitions import MESSAGE_BYTES, joined_messages, left_messages

MANY = 100_000


def crowded() -> Rules:
    leases = {key(f"u{n}"): lease(f"u{n}", "lobby") for n in range(MANY)}
    rules = Rules(damping=5, hold=12, patience=15)
    rules.began(leases, whole=True, now=0)
    return rules


def pages(room: Room, limit: int) -> Iterator[list[str]]:
    after, more = "", True
    while more:
        people, more = room.page(after, limit)
        yield [person.user for person in people]
        after = people[-1].user


def test_a_hundred_thousand_people_are_counted_and_paged() -> None:
    rules = crowded()
    assert rules.crowd.count("lobby") == MANY
    room = rules.crowd.rooms["lobby"]
    users = [user for page in pages(room, 1000) for user in page]
    assert users == sorted(f"u{n}" for n in range(MANY))
    rules.extended(key("u5a"), lease("u5a", "lobby"), 1)
    rules.ended(key("u50"), expired=True, now=1)
    rules.tick(100)
    rules.tick(200)
    assert rules.crowd.count("lobby") == MANY
    assert [person.user for person in room.page("u5", 1)[0]] == ["u500"]
    assert [person.user for person in room.page("u59999", 1)[0]] == ["u5a"]
    assert room.page("u99999", 10) == ([], False)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcdefg")), max_size=60), st.integers(1, 4))
def test_pages_are_in_order_whoever_comes_and_goes(changes: list[tuple[bool, str]], limit: int) -> None:
    room, users = Room(), set[str]()
    for comes, user in changes:
        room.page("", 0)
        if comes:
            room.add(user).past = Person(user=user)
            users.add(user)
        elif user in users:
            room.remove(user)
            users.discard(user)
    if users:
        assert [user for page in pages(room, limit) for user in page] == sorted(users)


def test_messages_are_small_enough_to_be_sent() -> None:
    people = [Person(user=f"u{n}", name="n" * 200, avatar="https://e.org/" + "a" * 400) for n in range(5000)]
    sent = joined_messages(people, 5000)
    assert max(map(len, sent)) <= MESSAGE_BYTES
    assert len(sent) <= 16
    assert [person for one in sent for person in Joined.decode(one).people] == people
    users = ["u" * 100 + str(n) for n in range(20_000)]
    gone = left_messages(users, 0)
    assert max(map(len, gone)) <= MESSAGE_BYTES
    assert [user for one in gone for user in Left.decode(one).users] == users
    assert joined_messages([], 0) == []


@pytest.mark.parametrize("letters", ["a", "ü"])
def test_a_page_whose_people_do_not_fit_is_shorter(letters: str) -> None:
    rules = Rules(damping=5, hold=12, patience=15)
    big = {"name": letters * 2000}
    leases = {
        key(f"u{n:04}"): json.dumps(json.loads(lease(f"u{n:04}", "lobby")) | big).encode()
        for n in range(1000)
    }
    rules.began(leases, whole=True, now=0)
    answer = Answers(rules, None, devices=1, rooms=1).page("lobby", "", 1000)  # type: ignore[arg-type]
    assert answer.more
    assert answer.count == 1000
    assert len(answer.encode()) <= MESSAGE_BYTES
    assert [person.user for person in answer.people] == [f"u{n:04}" for n in range(len(answer.people))]
