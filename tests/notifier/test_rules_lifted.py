"""To wish for more, to be here less: whatever takes a reason away takes no push away."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import time, timedelta

from hypothesis import given
from hypothesis import strategies as st
from situations import HOUR, NOON, ROOM, Situation, comment, device, in_room

from notifier.model import PLATFORMS, Member, Preferences, Presence, QuietHours, RoomPreferences

ZONES = st.sampled_from([None, "Europe/Berlin", "Asia/Tokyo", "America/New_York"])
TIMES = st.sampled_from([time(0), time(2, 30), time(7), time(12), time(22)])
HOURS = st.none() | st.builds(QuietHours, TIMES, TIMES, ZONES)
LEVELS = st.sampled_from(["all", "mentions", "none"])

LIFTED: Mapping[str, Callable[[Situation], Situation]] = {
    "unmute everything": lambda asked: wishing(asked, muted_until=None),
    "hear all": lambda asked: wishing(asked, level="all"),
    "unmute the room": lambda asked: in_its_room(asked, muted_until=None),
    "hear all of the room": lambda asked: in_its_room(asked, level="all"),
    "unmute the author": lambda asked: wishing(asked, muted_users=frozenset()),
    "end quiet hours": lambda asked: wishing(asked, quiet=None),
    "is urgent": lambda asked: replace(asked, comment=replace(asked.comment, urgent=True)),
    "mentions them": lambda asked: replace(
        asked, comment=replace(asked.comment, mentions=frozenset({"bob"}))
    ),
    "is there again": lambda asked: replace(asked, comment=replace(asked.comment, deleted=False)),
    "go away": lambda asked: replace(asked, presence=Presence.AWAY),
    "do not answer": lambda asked: replace(asked, presence=Presence.UNKNOWN),
    "were delivered nothing": lambda asked: replace(asked, member=Member("bob", read=read(asked))),
    "have not read": lambda asked: replace(asked, member=Member("bob")),
    "all platforms on": lambda asked: replace(asked, off=()),
    "another device": lambda asked: replace(asked, devices=[*asked.devices, device("d9")]),
    "never expires": lambda asked: replace(asked, expires_after=float("inf")),
}


def read(asked: Situation) -> int:
    return asked.member.read if asked.member else 0


def wishing(asked: Situation, **changed: object) -> Situation:
    return replace(asked, preferences=replace(asked.preferences, **changed))  # type: ignore[arg-type]


def in_its_room(asked: Situation, **changed: object) -> Situation:
    own = asked.preferences.rooms.get(ROOM, RoomPreferences())
    return wishing(asked, rooms={ROOM: replace(own, **changed)})  # type: ignore[arg-type]


MOMENTS = st.none() | st.sampled_from([NOON - timedelta(hours=1), NOON + timedelta(hours=1)])
ROOMS: st.SearchStrategy[dict[str, RoomPreferences]] = st.just({}) | st.builds(
    in_room, level=st.none() | LEVELS, muted_until=MOMENTS
)
SITUATIONS = st.builds(
    Situation,
    st.builds(
        comment,
        urgent=st.booleans(),
        deleted=st.booleans(),
        mentions=st.sampled_from([frozenset(), frozenset({"bob"})]),
        at=st.sampled_from([NOON - timedelta(hours=hours) for hours in (0, 1, 5, 13)]),
    ),
    st.none() | st.builds(Member, st.just("bob"), st.integers(0, 6), st.integers(0, 6)),
    st.lists(st.builds(device, platform=st.sampled_from(PLATFORMS), time_zone=ZONES), max_size=2),
    st.sampled_from(Presence),
    st.builds(
        Preferences,
        level=LEVELS,
        muted_until=MOMENTS,
        muted_users=st.sampled_from([frozenset(), frozenset({"ada"})]),
        quiet=HOURS,
        rooms=ROOMS,
    ),
    off=st.sets(st.sampled_from(PLATFORMS)),
    expires_after=st.just(6 * HOUR),
)


@given(SITUATIONS, st.sampled_from(sorted(LIFTED)))
def test_what_takes_a_reason_away_takes_no_push_away_and_delays_none(asked: Situation, lifted: str) -> None:
    if lifted in {"end quiet hours", "is urgent"}:  # what did not wait for their end expires sooner
        asked = replace(asked, expires_after=float("inf"))
    before = {planned.device.id: planned.not_before for planned in asked.decide().pushes}
    after = {planned.device.id: planned.not_before for planned in LIFTED[lifted](asked).decide().pushes}
    assert all(name in after and after[name] <= at for name, at in before.items())
