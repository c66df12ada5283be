"""Who is here: whatever is heard and answered in whatever order, what was shown adds up to what is true."""

import json
from collections.abc import Container
from typing import Any

import pytest
from companions import View, person, present
from hypothesis import given
from hypothesis import strategies as st

from events.presence import Activity, Person, PresenceAnswer
from fanout.people import Diff, People

LISTED = 3
RELISTED = 2
"""The most people with whom a room that had more is listed again."""
USERS = ["ann", "bob", "cid", "dan", "eve"]


def answer(*users: str, limit: int = LISTED) -> PresenceAnswer:
    return PresenceAnswer(count=len(users), people=[person(user) for user in users][:limit])


def known(*users: str, followed: Container[str] = (), limit: int = LISTED) -> People:
    people = People(limit, followed)
    people.answered(answer(*users, limit=limit))
    return people


def crowd(count: int) -> list[str]:
    return [f"u{number}" for number in range(count)]


def state(people: People) -> Any:
    return json.loads(people.state())


def joined(people: People, *users: str, count: int) -> None:
    people.hear({user: person(user) for user in users}, count)


def left(people: People, *users: str, count: int) -> None:
    people.hear(dict.fromkeys(users), count)


def test_nothing_is_shown_before_there_is_an_answer() -> None:
    people = People(LISTED, set())
    joined(people, "ann", count=1)
    assert people.state() == b"null"
    assert people.flush().empty


def test_who_was_told_that_nothing_is_known_is_shown_the_state() -> None:
    people = People(LISTED, set())
    people.state()
    people.answered(answer("ann"))
    assert people.flush() == Diff(whole=True)
    assert people.flush().empty


def test_who_comes_later_needs_no_state() -> None:
    assert known("ann").flush().empty


def test_a_newcomer_is_shown_what_the_others_were_shown() -> None:
    people = known("ann")
    joined(people, "bob", count=2)
    assert [each["user"] for each in state(people)["people"]] == ["ann"]
    assert people.flush() == Diff(joined=[person("bob")])
    assert [each["user"] for each in state(people)["people"]] == ["ann", "bob"]


def test_a_repeat_changes_nothing() -> None:
    people = known("ann")
    joined(people, "ann", count=1)
    left(people, "bob", count=1)
    assert people.flush().empty


def test_who_comes_and_goes_between_two_looks_was_not_here() -> None:
    people = known("ann")
    joined(people, "bob", count=2)
    left(people, "ann", "bob", count=0)
    joined(people, "ann", count=1)
    assert people.flush().empty


@pytest.mark.parametrize("activity", ["active", "idle"])
def test_who_is_another_is_told_as_joined(activity: Activity) -> None:
    people = known("ann")
    other = Person(user="ann", name="Ann", activity=activity)
    people.hear({"ann": other}, 1)
    assert people.flush() == Diff(joined=[other])


def test_what_was_heard_counts_more_than_an_older_answer() -> None:
    people = known("ann")
    joined(people, "bob", count=2)
    left(people, "ann", count=1)
    people.answered(answer("ann"))
    assert people.flush() == Diff(joined=[person("bob")], left=["ann"])
    assert people.count == 1


def test_what_was_heard_long_ago_counts_less_than_an_answer() -> None:
    people = known("ann")
    joined(people, "bob", count=2)
    assert people.age()
    assert not people.age()
    people.answered(answer("ann"))
    assert people.flush().empty
    assert not people.doubtful


def test_what_was_heard_before_a_restatement_counts_less_than_an_answer() -> None:
    people = known("ann")
    version = people.version
    joined(people, "bob", count=2)
    people.restated()
    people.answered(answer("cid"))
    assert people.version != version
    diff = people.flush()
    assert (diff.joined, diff.left) == ([person("cid")], ["ann"])


def test_another_number_than_presence_tells_is_a_reason_to_ask() -> None:
    people = known("ann")
    joined(people, "bob", count=3)
    doubts = [people.doubtful]
    people.flush()
    doubts.append(people.doubtful)
    people.answered(answer("ann", "bob", "cid"))
    people.flush()
    assert [*doubts, people.doubtful] == [False, True, False]
    assert people.count == 3


def test_a_room_that_grows_is_counted_only() -> None:
    people = known("ann", "bob", "cid", followed={"bob"})
    joined(people, "dan", count=4)
    assert people.flush().whole
    assert state(people) == {"count": 4, "people": None}
    assert people.of(["bob", "dan"]) == Diff(joined=[person("bob")], left=["dan"])
    joined(people, "eve", count=5)
    assert people.flush().empty
    assert people.ask_for == 0


def test_a_room_that_shrinks_is_asked_for_and_listed() -> None:
    people = known(*USERS)
    left(people, "ann", "bob", "cid", count=2)
    assert people.doubtful
    assert people.ask_for == LISTED
    people.answered(answer("dan", "eve"))
    assert people.flush().whole
    assert len(state(people)["people"]) == 2
    assert not people.doubtful


@pytest.mark.parametrize(("limit", "count"), [(10, 9), (1000, 900), (3, 3), (1, 1)])
def test_a_room_that_had_too_many_people_is_not_listed_at_nine_tenths(limit: int, count: int) -> None:
    people = known(*crowd(limit + 1), limit=limit)
    left(people, *crowd(limit + 1)[count:], count=count)
    assert not people.doubtful
    assert people.ask_for == 0
    people.answered(answer(*crowd(count), limit=limit))
    assert people.flush().empty
    assert state(people) == {"count": count, "people": None}


@pytest.mark.parametrize(("limit", "count"), [(10, 8), (1000, 899), (3, 2), (1, 0)])
def test_a_room_that_had_too_many_people_is_listed_below_nine_tenths(limit: int, count: int) -> None:
    people = known(*crowd(limit + 1), limit=limit)
    left(people, *crowd(limit + 1)[count:], count=count)
    assert people.doubtful
    assert people.ask_for == limit
    people.answered(answer(*crowd(count), limit=limit))
    assert people.flush().whole
    assert len(state(people)["people"]) == count


@pytest.mark.parametrize("limit", [1, 10, 1000])
def test_a_room_is_listed_up_to_the_limit_until_it_has_too_many_people(limit: int) -> None:
    everybody = crowd(limit + 1)
    people = known(*everybody[:limit], limit=limit)
    assert len(state(people)["people"]) == limit
    for _ in range(2):
        left(people, everybody[0], count=limit - 1)
        assert not people.flush().whole
        joined(people, everybody[0], count=limit)
        assert not people.flush().whole
    joined(people, everybody[-1], count=limit + 1)
    assert people.flush().whole
    assert state(people) == {"count": limit + 1, "people": None}


def test_in_a_large_room_only_those_who_are_followed_are_known() -> None:
    followed: set[str] = set()
    people = known(*USERS, followed=followed)
    people.adopt([present("ann", {"ann": person("ann")}), present("bob", {})])
    followed |= {"ann", "bob"}
    joined(people, "bob", "cid", count=5)
    left(people, "ann", "dan", count=4)
    assert people.flush() == Diff(joined=[person("bob")], left=["ann"])
    people.drop(["bob"])
    assert people.of(["bob"]) == Diff(left=["bob"])


def test_an_answer_about_some_is_amended_by_what_was_heard() -> None:
    people = known("ann")
    left(people, "ann", count=0)
    joined(people, "bob", count=1)
    here = {"ann": person("ann"), "cid": person("cid")}
    amended = people.amended([present(user, here) for user in ("ann", "bob", "cid")])
    assert [(each.user, each.here, len(each.devices)) for each in amended] == [
        ("ann", False, 0),
        ("bob", True, 0),
        ("cid", True, 1),
    ]


class World:
    """The truth, what of it is on its way, and a client."""

    def __init__(self, here: set[str]) -> None:
        self.here = here
        self.on_the_way: list[tuple[dict[str, Person | None], int]] = []
        self.answers: list[tuple[int, PresenceAnswer]] = []
        self.people = People(LISTED, set())
        self.view = View()

    def move(self, user: str) -> None:
        self.here ^= {user}
        change = {user: person(user) if user in self.here else None}
        self.on_the_way.append((change, len(self.here)))

    def restate(self, user: str) -> None:
        """What is on its way is lost, and more."""
        self.on_the_way.clear()
        self.here ^= {user}
        self.people.restated()

    def ask(self) -> None:
        asked = answer(*sorted(self.here), limit=self.people.ask_for)
        self.answers.append((self.people.version, asked))

    def hear(self) -> None:
        if self.on_the_way:
            self.people.hear(*self.on_the_way.pop(0))

    def answered(self) -> None:
        if self.answers:
            version, asked = self.answers.pop(0)
            if version == self.people.version:
                self.people.answered(asked)

    def flush(self) -> None:
        diff = self.people.flush()
        if diff.whole:
            self.welcome()
        elif self.people.known:
            self.view.presence(json.loads(self.people.encode(diff)))

    def welcome(self) -> None:
        if (told := state(self.people)) is not None:
            self.view.presence(told)

    def rest(self) -> None:
        while self.on_the_way or self.answers:
            self.hear()
            self.answered()
        self.people.age()
        self.people.age()
        for _ in range(2):  # whether the room can be listed is known after the first one
            self.ask()
            self.answered()
            self.flush()


@given(
    here=st.sets(st.sampled_from(USERS)),
    acts=st.lists(
        st.one_of(
            st.sampled_from([World.ask, World.hear, World.hear, World.answered, World.flush, World.welcome]),
            st.tuples(st.sampled_from([World.move, World.move, World.restate]), st.sampled_from(USERS)),
        ),
        max_size=60,
    ),
)
def test_what_was_shown_adds_up_to_what_is_true(here: set[str], acts: list[Any]) -> None:
    world = World(here)
    world.welcome()
    for act in acts:
        if isinstance(act, tuple):
            act[0](world, act[1])
        else:
            act(world)
    world.rest()
    assert world.view.count == len(world.here)
    if world.view.people is None:
        assert len(world.here) > RELISTED
    else:
        assert set(world.view.people) == world.here
        assert len(world.here) <= LISTED
    assert not world.people.doubtful
