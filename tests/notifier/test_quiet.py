"""Until when it is quiet, on clocks that are changed."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import available_timezones

import pytest
from clocks import changes, changing, first_not_quiet, quiet, wall
from hypothesis import given
from hypothesis import strategies as st

from notifier.model import QuietHours
from notifier.quiet import quiet_until

NIGHT = QuietHours(time(22), time(7))
MINUTES = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        (NIGHT, utc(2026, 6, 1, 21, 59, 59, 999_999), None),
        (NIGHT, utc(2026, 6, 1, 22), utc(2026, 6, 2, 7)),
        (NIGHT, utc(2026, 6, 1, 23, 59, 59, 999_999), utc(2026, 6, 2, 7)),
        (NIGHT, utc(2026, 6, 2), utc(2026, 6, 2, 7)),
        (NIGHT, utc(2026, 6, 2, 6, 59, 59, 999_999), utc(2026, 6, 2, 7)),
        (NIGHT, utc(2026, 6, 2, 7), None),
        (QuietHours(time(12), time(13, 30)), utc(2026, 6, 1, 12, 0, 0, 1), utc(2026, 6, 1, 13, 30)),
        (QuietHours(time(12), time(13, 30)), utc(2026, 6, 1, 11, 59), None),
        (QuietHours(time(22), time(0)), utc(2026, 6, 1, 23), utc(2026, 6, 2)),
        (QuietHours(time(0), time(23, 59)), utc(2026, 6, 1), utc(2026, 6, 1, 23, 59)),
    ],
)
def test_it_is_quiet_from_the_start_to_before_the_end(
    hours: QuietHours, now: datetime, until: datetime | None
) -> None:
    assert quiet_until(hours, "UTC", now) == until


def test_hours_that_end_when_they_begin_are_never_quiet() -> None:
    assert quiet_until(QuietHours(time(7), time(7)), "UTC", utc(2026, 6, 1, 7)) is None


@pytest.mark.parametrize(
    ("zone", "hours", "now", "until"),
    [
        pytest.param(
            "Europe/Berlin", QuietHours(time(22), time(2, 30)), utc(2026, 3, 28, 23), utc(2026, 3, 29, 1),
            id="an end that the clock jumps over",
        ),
        pytest.param(
            "Europe/Berlin", NIGHT, utc(2026, 3, 28, 23), utc(2026, 3, 29, 5),
            id="a night that is an hour shorter",
        ),
        pytest.param(
            "Europe/Berlin", QuietHours(time(2, 30), time(6)), utc(2026, 3, 29, 1), utc(2026, 3, 29, 4),
            id="a start that the clock jumps over",
        ),
        pytest.param(
            "Europe/Berlin", NIGHT, utc(2026, 10, 24, 23), utc(2026, 10, 25, 6),
            id="a night that is an hour longer",
        ),
        pytest.param(
            "Europe/Berlin", QuietHours(time(22), time(2, 30)), utc(2026, 10, 24, 23),
            utc(2026, 10, 25, 0, 30), id="an end that the clock shows twice, before the first",
        ),
        pytest.param(
            "Europe/Berlin", QuietHours(time(22), time(2, 30)), utc(2026, 10, 25, 0, 45), None,
            id="an end that the clock shows twice, after the first",
        ),
        pytest.param(
            "Europe/Berlin", QuietHours(time(22), time(2, 30)), utc(2026, 10, 25, 1, 15),
            utc(2026, 10, 25, 1, 30), id="an end that the clock shows twice, before the second",
        ),
        pytest.param(
            "Europe/Berlin", QuietHours(time(2, 30), time(6)), utc(2026, 10, 25, 0, 45),
            utc(2026, 10, 25, 1), id="a start that the clock shows twice, after the first",
        ),
        pytest.param(
            "Europe/Berlin", QuietHours(time(3), time(2, 59)), utc(2026, 3, 28, 3), utc(2026, 3, 30, 0, 59),
            id="a minute between quiet hours that the clock jumps over",
        ),
        pytest.param(
            "Australia/Lord_Howe", NIGHT, utc(2026, 4, 4, 14), utc(2026, 4, 4, 20, 30),
            id="a change by half an hour",
        ),
        pytest.param(
            "Pacific/Apia", NIGHT, utc(2011, 12, 30, 9), utc(2011, 12, 30, 17),
            id="a day that there was not",
        ),
        pytest.param(
            "Asia/Kathmandu", NIGHT, utc(2026, 6, 1, 17), utc(2026, 6, 2, 1, 15),
            id="an offset of 5 hours and 45 minutes",
        ),
    ],
)  # fmt: skip
def test_the_clock_on_the_wall_counts(
    zone: str, hours: QuietHours, now: datetime, until: datetime | None
) -> None:
    assert quiet_until(hours, zone, now) == until == first_not_quiet(hours, zone, now)


@pytest.mark.parametrize("zone", ["Nowhere/Land", "", "../etc/passwd", "America", "a\0b", "x" * 5_000])
def test_a_zone_that_this_system_does_not_know_is_utc(zone: str) -> None:
    assert quiet_until(NIGHT, zone, utc(2026, 6, 1, 23)) == utc(2026, 6, 2, 7)


def test_the_answer_is_in_utc_whatever_the_question_is_in() -> None:
    now = datetime.fromisoformat("2026-06-02T01:00:00+02:00")
    until = quiet_until(NIGHT, "UTC", now)
    assert until is not None
    assert until.tzinfo is UTC


def test_this_system_knows_the_zones_of_the_world() -> None:
    assert len(available_timezones()) > 400


def test_around_every_change_of_every_zone_it_is_as_the_clock_shows_it() -> None:
    zones = changing(2024, 2027)
    assert len(zones) > 30
    for zone in zones:
        for at, _ in changes(zone, 2024, 2027):
            for hours in around(wall(at - timedelta(seconds=1), zone), wall(at, zone)):
                for minutes in (-600, -45, 0, 29):
                    now = at + timedelta(minutes=minutes, seconds=minutes)
                    assert quiet_until(hours, zone, now) == first_not_quiet(hours, zone, now), (
                        zone, hours, now,
                    )  # fmt: skip


def around(before: datetime, after: datetime) -> list[QuietHours]:
    """Nights, and hours that begin or end where the clock is changed: before it, after it, and between."""
    low, high = sorted([before + timedelta(seconds=1), after])
    between = low + (high - low) / 2 if high - low < timedelta(hours=3) else low
    early, late = low - timedelta(hours=3), high + timedelta(hours=2, minutes=20)
    edges = [(early, between), (between, late), (early, low), (high, late), (early, late), (late, between)]
    return [NIGHT, *(QuietHours(start.time(), end.time()) for start, end in edges)]


@given(st.data())
def test_in_every_zone_and_year_it_is_as_the_clock_shows_it(data: st.DataObject) -> None:
    zone = data.draw(st.sampled_from(sorted(available_timezones())))
    first = data.draw(st.sampled_from(range(1970, 2038, 4)))
    moments = [at for at, _ in changes(zone, first, first + 3)] or [utc(first, 6, 1)]
    seconds = data.draw(st.integers(-36 * 3600, 36 * 3600) | st.integers(-9_000, 9_000))
    now = data.draw(st.sampled_from(moments)) + timedelta(seconds=seconds)
    hours = QuietHours(data.draw(MINUTES), data.draw(MINUTES))
    assert quiet_until(hours, zone, now) == first_not_quiet(hours, zone, now)


@given(
    st.sampled_from(sorted(available_timezones())),
    st.builds(QuietHours, MINUTES, MINUTES),
    st.floats(utc(1900, 1, 1).timestamp(), utc(2100, 1, 1).timestamp()),
    st.floats(0, 0.999),
)
def test_until_then_it_is_quiet_and_then_it_is_not(
    zone: str, hours: QuietHours, timestamp: float, share: float
) -> None:
    now = datetime.fromtimestamp(timestamp, UTC)
    until = quiet_until(hours, zone, now)
    assert (until is not None) == quiet(hours, wall(now, zone).time())
    if until is not None:
        between = now + (until - now) * share
        assert quiet_until(hours, zone, until) is None
        assert quiet_until(hours, zone, between) == until
        assert timedelta(0) < until - now <= timedelta(hours=49)
