"""Clocks of all zones, read minute by minute: what quiet hours are checked against."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from notifier.model import QuietHours

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def wall(instant: datetime, zone: str) -> datetime:
    """What the clock shows, without its zone."""
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def quiet(hours: QuietHours, shown: time) -> bool:
    """Between start and end, going round the clock's face."""
    if hours.start == hours.end:
        return False
    return _since(hours.start, shown) < _since(hours.start, hours.end)


def first_not_quiet(hours: QuietHours, zone: str, now: datetime) -> datetime | None:
    """By looking at the clock every minute, and at every second of the minute in which it ended."""
    if not quiet(hours, wall(now, zone).time()):
        return None
    minute = now.replace(second=0, microsecond=0)
    while quiet(hours, wall(minute + MINUTE, zone).time()) or minute + MINUTE <= now:
        minute += MINUTE
    seconds = (minute + timedelta(seconds=second) for second in range(1, 61))
    return next(at for at in seconds if at > now and not quiet(hours, wall(at, zone).time()))


@cache
def changes(zone: str, first: int, last: int) -> tuple[tuple[datetime, timedelta], ...]:
    """When the zone's clocks are changed, in the years from `first` to `last`, and by how much."""
    return tuple(_changes(zone, datetime(first, 1, 1, tzinfo=UTC), datetime(last + 1, 1, 1, tzinfo=UTC)))


def changing(first: int, last: int) -> list[str]:
    """Zones whose clocks are changed in these years, one of all that are changed alike."""
    start = datetime(first, 1, 1, tzinfo=UTC)
    alike = {
        (changes(zone, first, last), _offset(start, zone)): zone
        for zone in sorted(available_timezones(), reverse=True)
    }
    return sorted(zone for (found, _), zone in alike.items() if found)


def _changes(zone: str, day: datetime, end: datetime) -> Iterator[tuple[datetime, timedelta]]:
    while day < end:
        if _offset(day, zone) != _offset(day + DAY, zone):
            at = _first_second(zone, day, day + DAY)
            yield at, _offset(at, zone) - _offset(day, zone)
        day += DAY


def _first_second(zone: str, before: datetime, after: datetime) -> datetime:
    """With another offset than before."""
    offset = _offset(before, zone)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (middle, after) if _offset(middle, zone) == offset else (before, middle)
    return after


def _offset(instant: datetime, zone: str) -> timedelta:
    return wall(instant, zone) - instant.replace(tzinfo=None)


def _since(earlier: time, later: time) -> timedelta:
    day = datetime(2000, 1, 1, tzinfo=UTC).date()
    return (datetime.combine(day, later) - datetime.combine(day, earlier)) % DAY
