"""When people were last here: what is kept of it, and when it is written."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from presence.sightings import Seen, Sightings, merge, read

T = datetime(2026, 11, 23, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return T + timedelta(seconds=seconds)


def test_what_is_written_is_read_again() -> None:
    seen = Seen(at=T, rooms={"lobby": T})
    assert seen.model_dump_json() == (
        '{"at":"2026-11-23T12:00:00.000000Z","rooms":{"lobby":"2026-11-23T12:00:00.000000Z"}}'
    )
    assert read(seen.model_dump_json().encode()) == seen
    assert read(None) is None
    assert read(b"[") is None


def test_the_latest_rooms_are_kept() -> None:
    before = Seen(at=after(2), rooms={"a": after(0), "b": after(1), "c": after(2)})
    seen = merge(before, {"a": after(5), "d": after(4)}, most=3)
    assert seen == Seen(at=after(5), rooms={"a": after(5), "d": after(4), "c": after(2)})


def test_an_older_sighting_takes_nothing_back() -> None:
    before = Seen(at=after(9), rooms={"a": after(9)})
    assert merge(before, {"a": after(3)}, most=3) == before


@given(st.integers(1, 200), st.integers(1, 60))
def test_everybody_has_a_turn_once_in_a_round_and_they_are_spread(people: int, refresh: int) -> None:
    sightings = Sightings(refresh=refresh)
    places = {f"u{n}": ["lobby"] for n in range(people)}
    seen: list[str] = []
    for _ in range(refresh + 1):
        sightings.turn(places, 1, T)
        some = sightings.take(1000)
        assert len(some) <= people / refresh + 1
        seen += some
    assert set(seen) == set(places)
    assert len(seen) <= people * (refresh + 1) / refresh + 1


def test_who_has_left_since_the_round_began_has_no_turn() -> None:
    sightings = Sightings(refresh=1)
    sightings.turn({"u1": ["lobby"], "u2": ["lobby"]}, 0, T)
    sightings.turn({"u2": ["lobby"]}, 1, T)
    assert sightings.take(10) == {"u2": {"lobby": T}}


def test_only_so_many_users_wait() -> None:
    sightings = Sightings(refresh=60, most=2)
    for user in ("u1", "u2", "u3"):
        sightings.saw("lobby", user, T)
    sightings.saw("attic", "u1", T)
    assert len(sightings) == 2
    assert sightings.take(10) == {"u1": {"lobby": T, "attic": T}, "u2": {"lobby": T}}
    sightings.saw("lobby", "u1", T)
    sightings.clear()
    assert len(sightings) == 0
