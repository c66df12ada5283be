"""Who gets a push for a comment, and why somebody gets none."""

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from situations import HOUR, NOON, Situation, comment, device, in_room

from notifier.model import PLATFORMS, Level, Member, Planned, Preferences, Presence, QuietHours, Reason
from notifier.rules import decide

PAGE = Path(__file__).resolve().parents[2] / "docs/notifications.md"
EVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
NOONDAY = QuietHours(time(11), time(13))
ONE = timedelta(hours=1)

Change = Callable[[Situation], Situation]


def wishing(**changed: object) -> Change:
    return lambda asked: replace(asked, preferences=replace(asked.preferences, **changed))  # type: ignore[arg-type]


def written(**changed: object) -> Change:
    return lambda asked: replace(asked, comment=replace(asked.comment, **changed))  # type: ignore[arg-type]


def being(**changed: object) -> Change:
    def change(asked: Situation) -> Situation:
        assert asked.member is not None
        return replace(asked, member=replace(asked.member, **changed))  # type: ignore[arg-type]

    return change


def here(asked: Situation) -> Situation:
    return replace(being(delivered=5)(asked), presence=Presence.ACTIVE)


ORDER: Mapping[Reason, Change] = {
    Reason.DELETED: written(deleted=True),
    Reason.READ: being(read=5),
    Reason.MUTED: wishing(muted_until=EVER),
    Reason.ROOM_MUTED: wishing(rooms=in_room(muted_until=EVER)),
    Reason.AUTHOR_MUTED: wishing(muted_users=frozenset({"ada"})),
    Reason.NOT_MENTIONED: wishing(level="mentions"),
    Reason.EXPIRED: written(at=NOON - 9 * ONE),
    Reason.HERE: here,
    Reason.NO_DEVICE: lambda asked: replace(asked, devices=()),
    Reason.PLATFORM_OFF: lambda asked: replace(asked, off=PLATFORMS),
    Reason.QUIET_HOURS: wishing(quiet=NOONDAY),
    Reason.PUSH: lambda asked: asked,
}
"""What makes each reason hold, behind `NOT_A_MEMBER`; of those that hold the first is told."""


@pytest.mark.parametrize(("first", "second"), [*itertools.combinations_with_replacement(ORDER, 2)])
def test_of_all_reasons_that_hold_the_first_is_told(first: Reason, second: Reason) -> None:
    assert ORDER[first](ORDER[second](Situation())).decide().reason is first


@pytest.mark.parametrize("reason", ORDER)
def test_who_is_not_in_the_room_gets_nothing_whatever_else_holds(reason: Reason) -> None:
    decision = replace(ORDER[reason](Situation()), member=None).decide()
    assert (decision.reason, list(decision.pushes)) == (Reason.NOT_A_MEMBER, [])


@pytest.mark.parametrize("reason", ORDER)
def test_there_is_a_push_now_or_later_for_no_other_reason(reason: Reason) -> None:
    decision = ORDER[reason](Situation()).decide()
    assert bool(decision.pushes) == (reason in {Reason.PUSH, Reason.QUIET_HOURS})


def test_the_page_has_the_reasons_of_the_rules_in_their_order_and_then_all_others() -> None:
    told = [Reason(name) for name in re.findall(r"^\| `(\w+)` \|", reasons_of_the_page(), re.MULTILINE)]
    assert told[: len(ORDER) + 1] == [Reason.NOT_A_MEMBER, *ORDER]
    assert sorted(told) == sorted(Reason)


def reasons_of_the_page() -> str:
    return PAGE.read_text().partition("## Reasons")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    ("everywhere", "here_only", "mentioned", "reason"),
    [
        ("all", None, False, Reason.PUSH),
        ("mentions", None, False, Reason.NOT_MENTIONED),
        ("mentions", None, True, Reason.PUSH),
        ("none", None, True, Reason.MUTED),
        ("none", "all", False, Reason.PUSH),
        ("none", "mentions", True, Reason.PUSH),
        ("none", "none", True, Reason.ROOM_MUTED),
        ("mentions", "all", False, Reason.PUSH),
        ("all", "mentions", False, Reason.NOT_MENTIONED),
        ("all", "none", True, Reason.ROOM_MUTED),
    ],
)
def test_the_level_of_a_room_counts_more_than_that_of_all(
    everywhere: Level, here_only: Level | None, mentioned: bool, reason: Reason
) -> None:
    rooms = in_room(level=here_only) if here_only else {}
    mentions = frozenset({"bob"}) if mentioned else frozenset({"cid"})
    asked = Situation(comment=comment(mentions=mentions), preferences=Preferences(everywhere, rooms=rooms))
    assert asked.decide().reason is reason


@pytest.mark.parametrize(
    ("preferences", "reason"),
    [
        (Preferences(muted_until=NOON), Reason.PUSH),
        (Preferences(muted_until=NOON + ONE), Reason.MUTED),
        (Preferences(muted_until=NOON + ONE, rooms=in_room(level="all")), Reason.MUTED),
        (Preferences(muted_until=NOON + ONE, rooms=in_room(muted_until=NOON - ONE)), Reason.MUTED),
        (Preferences(rooms=in_room(muted_until=NOON)), Reason.PUSH),
        (Preferences(rooms=in_room(muted_until=NOON + ONE)), Reason.ROOM_MUTED),
        (Preferences(rooms=in_room(level="all", muted_until=NOON + ONE)), Reason.ROOM_MUTED),
    ],
)
def test_a_mute_ends_at_its_time_and_one_of_everything_mutes_every_room(
    preferences: Preferences, reason: Reason
) -> None:
    assert Situation(preferences=preferences).decide().reason is reason


def test_nothing_breaks_a_mute() -> None:
    loud = written(urgent=True, mentions=frozenset({"bob"}))
    for reason in (Reason.MUTED, Reason.ROOM_MUTED, Reason.AUTHOR_MUTED):
        assert ORDER[reason](loud(Situation())).decide().reason is reason


@pytest.mark.parametrize(
    ("presence", "delivered", "reason"),
    [
        (Presence.ACTIVE, 5, Reason.HERE),
        (Presence.ACTIVE, 6, Reason.HERE),
        (Presence.ACTIVE, 4, Reason.PUSH),
        (Presence.AWAY, 5, Reason.PUSH),
        (Presence.UNKNOWN, 5, Reason.PUSH),
    ],
)
def test_only_who_is_active_and_was_delivered_the_comment_is_here(
    presence: Presence, delivered: int, reason: Reason
) -> None:
    asked = Situation(member=Member("bob", delivered=delivered), presence=presence)
    assert asked.decide().reason is reason


@pytest.mark.parametrize(
    ("age", "reason"),
    [(HOUR - 1e-3, Reason.PUSH), (HOUR, Reason.EXPIRED), (float("inf"), Reason.PUSH)],
)
def test_a_push_expires_after_its_seconds(age: float, reason: Reason) -> None:
    seconds, expires = (9 * HOUR, age) if age == float("inf") else (age, HOUR)
    asked = Situation(comment=comment(at=NOON - timedelta(seconds=seconds)), expires_after=expires)
    assert asked.decide().reason is reason


@pytest.mark.parametrize(
    ("end", "urgent", "reason"),
    [
        (time(11, 30), False, Reason.PUSH),
        (time(11), False, Reason.EXPIRED),
        (time(10), False, Reason.EXPIRED),
        (time(13), False, Reason.QUIET_HOURS),
        (time(13), True, Reason.EXPIRED),
    ],
)
def test_what_came_in_quiet_hours_expires_after_their_end(end: time, urgent: bool, reason: Reason) -> None:
    asked = Situation(
        comment=comment(at=NOON - 4 * ONE, urgent=urgent),
        preferences=Preferences(quiet=QuietHours(time(7), end)),
    )
    assert asked.decide().reason is reason


def test_a_push_waits_for_the_end_of_quiet_hours_in_the_zone_of_its_device() -> None:
    devices = [
        device("home", time_zone="Europe/Berlin"),
        device("away", time_zone="Asia/Tokyo"),
        device("bare"),
    ]
    wishes = Preferences(quiet=QuietHours(time(20), time(22)))
    decision = Situation(devices=devices, preferences=wishes).decide()
    assert list(decision.pushes) == [
        Planned(devices[0], NOON, Reason.PUSH),
        Planned(devices[1], NOON + ONE, Reason.QUIET_HOURS),
        Planned(devices[2], NOON, Reason.PUSH),
    ]
    assert decision.reason is Reason.PUSH


def test_quiet_hours_that_name_a_zone_are_the_same_on_all_devices() -> None:
    devices = [device("home", time_zone="Europe/Berlin"), device("bare")]
    wishes = Preferences(quiet=QuietHours(time(20), time(22), "Asia/Tokyo"))
    decision = Situation(devices=devices, preferences=wishes).decide()
    assert decision.reason is Reason.QUIET_HOURS
    assert [planned.not_before for planned in decision.pushes] == [NOON + ONE] * 2


def test_what_is_urgent_is_pushed_in_quiet_hours_at_once() -> None:
    asked = Situation(comment=comment(urgent=True), preferences=Preferences(quiet=NOONDAY))
    assert list(asked.decide().pushes) == [Planned(device(), NOON, Reason.PUSH)]


def test_devices_of_platforms_that_are_off_get_none_and_the_others_theirs() -> None:
    asked = Situation(devices=[device("p", "apns"), device("w")], off={"apns", "fcm"})
    decision = asked.decide()
    assert decision.reason is Reason.PUSH
    assert [planned.device.id for planned in decision.pushes] == ["w"]


def test_of_two_devices_one_may_expire_while_the_other_waits() -> None:
    devices = [device("berlin", time_zone="Europe/Berlin"), device("tokyo", time_zone="Asia/Tokyo")]
    asked = Situation(
        comment=comment(at=NOON - 4 * ONE),
        devices=devices,
        preferences=Preferences(quiet=QuietHours(time(16), time(22))),
    )
    decision = asked.decide()
    assert list(decision.pushes) == [Planned(devices[1], NOON + ONE, Reason.QUIET_HOURS)]
    assert replace(asked, devices=devices[:1]).decide().reason is Reason.EXPIRED


def test_no_platform_is_off_unless_it_is_said() -> None:
    asked = Situation()
    decision = decide(
        asked.comment,
        asked.member,
        asked.devices,
        asked.presence,
        asked.preferences,
        NOON,
        expires_after=HOUR,
    )
    assert decision.reason is Reason.PUSH
