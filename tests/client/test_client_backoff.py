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
