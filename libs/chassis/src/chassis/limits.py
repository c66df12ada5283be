"""Token buckets: how often one user, or one address, may call. Time is an argument.

A bucket is kept as one number: the time at which it will be full again (the generic cell rate algorithm).
"""

import ipaddress
import math
from collections import OrderedDict
from dataclasses import dataclass

from chassis.problems import Problem
from chassis.settings import Settings

MAX_KEYS = 100_000
"""Buckets kept, about 15 MB; past that, whoever was not seen for longest starts afresh."""


class TooManyRequests(Problem):
    """There were too many requests in a short time."""

    status, code = 429, "too_many_requests"


@dataclass(frozen=True, slots=True)
class Rate:
    per_second: float
    burst: float
    """Requests that may come at once after a pause."""


class Buckets:
    def __init__(self, rate: Rate, max_keys: int = MAX_KEYS) -> None:
        self._interval = 1 / rate.per_second
        self._depth = (rate.burst - 1) * self._interval
        self._max_keys = max_keys
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, now: float) -> float:
        """Seconds to wait; 0 means that the request was counted and may go on."""
        full_at = max(self._full_at.get(key, now), now)
        if full_at - now > self._depth:
            return full_at - now - self._depth
        self._full_at[key] = full_at + self._interval
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._max_keys:
            self._full_at.popitem(last=False)
        return 0.0


class Limits:
    """The two kinds of bucket that a request has to pass."""

    def __init__(self, user: Rate, address: Rate) -> None:
        self._users = Buckets(user)
        self._addresses = Buckets(address)

    @classmethod
    def of(cls, settings: Settings) -> "Limits | None":
        """`None` if they are switched off, as a load test does."""
        if settings.rate_limits == "off":
            return None
        return cls(
            Rate(settings.rate_user, settings.rate_user_burst),
            Rate(settings.rate_address, settings.rate_address_burst),
        )

    def user(self, user: str, now: float) -> None:
        """Raise `TooManyRequests`. `now` is in seconds on any clock that never goes back."""
        _refuse(self._users.take(user, now))

    def address(self, address: str, now: float) -> None:
        """Raise `TooManyRequests`; call it before the token is looked at."""
        _refuse(self._addresses.take(network(address), now))


def network(address: str) -> str:
    """Who an address belongs to: an IPv6 subscriber has a whole /64 to call from."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address


def _refuse(wait: float) -> None:
    if wait > 0:
        raise TooManyRequests(
            f"try again in {wait:.1f} seconds",
            headers={"Retry-After": str(math.ceil(wait))},
            retryAfter=round(wait, 3),
        )
