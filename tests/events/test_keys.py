"""Users as tokens of keys."""

import re

from hypothesis import given
from hypothesis import strategies as st

from events import subjects

ANY = st.text(st.characters(codec=None, exclude_categories=()), min_size=1)
"""Lone surrogates too: JSON can carry them."""

UNICODE = st.text(min_size=1)


@given(user=UNICODE)
def test_a_user_is_one_token_that_reads_back(user: str) -> None:
    token = subjects.key_token(user)
    assert re.fullmatch(r"[A-Za-z0-9_=-]+", token)
    assert subjects.user_of(token) == user


@given(users=st.lists(ANY, unique=True, min_size=2, max_size=2))
def test_no_two_users_have_the_same_token(users: list[str]) -> None:
    one, two = map(subjects.key_token, users)
    assert one != two


@given(user=ANY)
def test_a_key_has_three_tokens_that_every_client_of_nats_takes(user: str) -> None:
    key = subjects.lease("app", user, "c-1")
    assert re.fullmatch(r"[-/_=.a-zA-Z0-9]+", key)
    app, _, connection = key.split(".")
    assert (app, connection) == ("app", "c-1")
    assert key != subjects.lead("app")
