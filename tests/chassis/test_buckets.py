"""Token buckets: never more than the burst and the rate allow, never less than they promise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.limits import Buckets, Limits, Rate, TooManyRequests, network
from chassis.settings import Settings

pauses = st.lists(st.floats(0, 3), min_size=1, max_size=60)
rates = st.builds(Rate, st.sampled_from([0.5, 1, 3, 50]), st.sampled_from([1, 2, 7]))


@given(rate=rates, pauses=pauses)
def test_no_stretch_of_time_sees_more_than_burst_and_rate_allow(rate: Rate, pauses: list[float]) -> None:
    buckets, now, allowed = Buckets(rate), 1000.0, []
    for pause in pauses:
        now += pause
        if buckets.take("u1", now) == 0:
            allowed.append(now)
    for first, begin in enumerate(allowed):
        for last, end in enumerate(allowed[first:], first):
            assert last - first + 1 <= rate.burst + (end - begin) * rate.per_second + 1e-6


@given(rate=rates, pauses=pauses)
def test_whoever_waits_as_long_as_told_is_let_through(rate: Rate, pauses: list[float]) -> None:
    buckets, now = Buckets(rate), 1000.0
    for pause in pauses:
        now += pause
        wait = buckets.take("u1", now)
        if wait:
            now += wait + 1e-9
            assert buckets.take("u1", now) == 0


@given(rate=rates)
def test_a_full_bucket_lets_exactly_its_burst_through_at_once(rate: Rate) -> None:
    buckets = Buckets(rate)
    assert [buckets.take("u1", 5.0) == 0 for _ in range(int(rate.burst) + 1)] == [True] * int(rate.burst) + [
        False
    ]


def test_a_refused_request_is_not_counted() -> None:
    buckets = Buckets(Rate(1, 1))
    buckets.take("u1", 0.0)
    assert [buckets.take("u1", 0.5) for _ in range(3)] == [0.5] * 3


def test_keys_do_not_share_a_bucket() -> None:
    buckets = Buckets(Rate(1, 1))
    assert buckets.take("u1", 0.0) == buckets.take("u2", 0.0) == 0


def test_the_memory_for_buckets_is_bounded_and_the_longest_unseen_goes_first() -> None:
    buckets = Buckets(Rate(1, 2), max_keys=2)
    for key in ("a", "b", "a", "c"):
        buckets.take(key, 0.0)
    assert len(buckets) == 2
    assert buckets.take("a", 0.0) > 0


def limits() -> Limits:
    made = Limits.of(Settings(rate_user=1, rate_user_burst=1, rate_address_burst=2))
    assert made is not None
    return made


def test_a_refusal_says_how_long_to_wait_in_whole_seconds() -> None:
    both = limits()
    both.user("u1", 0.0)
    with pytest.raises(TooManyRequests) as caught:
        both.user("u1", 0.25)
    assert caught.value.headers == {"Retry-After": "1"}
    assert caught.value.body()["retryAfter"] == 0.75


def test_an_address_is_limited_whoever_calls() -> None:
    both = limits()
    both.address("192.0.2.1", 0.0)
    both.address("192.0.2.1", 0.0)
    with pytest.raises(TooManyRequests):
        both.address("192.0.2.1", 0.0)


@pytest.mark.parametrize(
    ("address", "owner"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not:an:address", "not:an:address"),
        ("", ""),
    ],
)
def test_an_ipv6_subscriber_is_one_caller(address: str, owner: str) -> None:
    assert network(address) == owner


def test_limits_can_be_switched_off() -> None:
    assert Limits.of(Settings(rate_limits="off")) is None
