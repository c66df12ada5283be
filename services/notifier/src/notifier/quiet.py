"""Quiet hours, on the clock of a wall in some zone. Pure.

It is quiet at an instant if what the clock shows then is in `[start, end)`, or, where `end` is earlier, from
`start` over midnight to before `end`. So hours whose end the clock jumps over end at the jump; an end that
it shows twice ends them twice; and hours that begin when they end are none: who wants no push at all mutes.
"""

import math
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from notifier.model import QuietHours

_DAY = timedelta(days=1)


def quiet_until(hours: QuietHours, zone: str, now: datetime) -> datetime | None:
    """The first instant after `now`, in UTC, at which it is not quiet; `None` if it is not quiet at `now`.

    `zone` is an IANA name; one that this system does not know is UTC.
    """
    place = _zone(zone)
    now = now.astimezone(UTC)
    if not _quiet(hours, _wall(now, place)):
        return None
    while True:
        wall = _wall(now, place)
        end = now + _left(wall, hours.end)
        change = _change(now, end, place)
        if change is None:
            return end
        if not _quiet(hours, _wall(change, place)):
            return change
        now = change


def _quiet(hours: QuietHours, wall: datetime) -> bool:
    shown = wall.time()
    if hours.start <= hours.end:
        return hours.start <= shown < hours.end
    return shown >= hours.start or shown < hours.end


def _left(wall: datetime, end: time) -> timedelta:
    """Until the clock shows `end`, if nobody moves its hands."""
    return (datetime.combine(wall.date(), end) - wall) % _DAY


def _wall(instant: datetime, zone: tzinfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def _change(after: datetime, until: datetime, zone: tzinfo) -> datetime | None:
    """When the zone's clocks are changed, after the one and not later than the other; never twice in a day.

    That is at a whole second, so the search for it halves whole seconds.
    """
    low, high = math.floor(after.timestamp()), math.floor(until.timestamp())
    before = _offset(low, zone)
    if _offset(high, zone) == before:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(middle, zone) == before:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def _offset(second: int, zone: tzinfo) -> timedelta:
    """Of the wall's clock from UTC."""
    instant = datetime.fromtimestamp(second, UTC)
    return _wall(instant, zone) - instant.replace(tzinfo=None)


@lru_cache(maxsize=1_024)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # OSError: a name that is a directory of zones
        return UTC
