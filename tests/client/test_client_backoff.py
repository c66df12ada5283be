import pytest
from hypothesis import given
from hypothesis import strategies as st

from parley import Backoff

randoms = st.floats(0, 1, exclude_max=True)


@given(st.integers(0, 10_000), randoms)
def test_no_delay_exceeds_the_cap(attempt: int, random: float) -> None:
    assert 0 <= Backoff(first=0.5, cap=20).delay(attempt, random) < 20


@given(st.integers(0, 100), st.floats(0.001, 0.999))  # doubling the smallest floats is not exact
def test_the_interval_doubles_until_the_cap(attempt: int, random: float) -> None:
    backoff = Backoff(first=0.5, cap=20)
    assert backoff.delay(attempt + 1, random) == min(2 * backoff.delay(attempt, random), random * 20)


def test_the_jitter_is_full() -> None:
    assert [Backoff(first=1).delay(0, random) for random in (0.0, 0.25, 0.75)] == [0.0, 0.25, 0.75]


@given(st.integers(0, 100), randoms, st.floats(0, 3600))
def test_what_a_server_asks_for_is_waited_and_little_more(attempt: int, random: float, after: float) -> None:
    wait = Backoff(first=0.5, cap=20).again(attempt, random, after)
    assert after <= wait <= max(1.2 * after, 20)


@given(st.integers(0, 100), randoms)
def test_a_server_that_asks_for_nothing_changes_nothing(attempt: int, random: float) -> None:
    assert Backoff().again(attempt, random, 0.0) == Backoff().delay(attempt, random)


def test_those_who_are_asked_together_come_back_apart() -> None:
    waits = [Backoff().again(0, random, 100.0) for random in (0.0, 0.5)]
    assert waits == pytest.approx([100, 110])
