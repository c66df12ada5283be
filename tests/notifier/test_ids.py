"""Names that are derived: equal where they must be, and different everywhere else."""

import re
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from notifier.ids import push_id, tag

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
PLACES = st.tuples(NAMES, NAMES, NAMES)
PUSHES = st.tuples(st.uuids(), NAMES, st.sampled_from(["comment", "read"]))


def test_the_id_of_a_push_is_the_same_in_every_attempt_and_every_version() -> None:
    assert push_id(UUID(int=7), "d1", "comment") == UUID("142c2b9c-43f7-56ba-884d-6c36bcab6d1a")


def test_a_tag_is_the_same_in_every_attempt_and_every_version() -> None:
    assert tag("app", "bob", "chat-5-12") == "-WGW3v2rUWk9rcOy0XGqERn6R-vUXc1B"


@given(PUSHES, PUSHES)
def test_pushes_have_different_ids(one: tuple[UUID, str, str], other: tuple[UUID, str, str]) -> None:
    assert (push_id(*one) == push_id(*other)) == (one == other)


@given(PLACES, PLACES)
def test_the_tag_is_that_of_one_room_and_one_person(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    assert (tag(*one) == tag(*other)) == (one == other)


@given(PLACES)
def test_a_tag_fits_every_platform(place: tuple[str, str, str]) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", tag(*place))
