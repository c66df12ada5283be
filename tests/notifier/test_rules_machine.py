"""Whatever people do, and in whatever order: who should get a push gets one, and nobody else."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta

from clocks import first_not_quiet, quiet, wall
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from situations import HOUR, NOON, ROOM, Situation, comment, device, in_room

from notifier.model import (
    PLATFORMS,
    Comment,
    Device,
    Level,
    Member,
    Preferences,
    Presence,
    QuietHours,
    Reason,
    RoomPreferences,
)

EXPIRES = 6 * HOUR
SLACK = timedelta(hours=25)
"""A day, and the hour that a clock may be put back; here there is more than an hour that is not quiet."""

ZONES = st.sampled_from([None, "Europe/Berlin", "Asia/Tokyo", "Australia/Lord_Howe", "America/New_York"])
TIMES = st.sampled_from([time(0), time(2, 30), time(7), time(12), time(22)])
HOURS = st.none() | st.builds(QuietHours, TIMES, TIMES, ZONES)
LEVELS = st.sampled_from(["all", "mentions", "none"])
ENDS = st.none() | st.sampled_from([-60, 60, 9 * 60]).map(lambda minutes: timedelta(minutes=minutes))
STARTS = [NOON, datetime.fromisoformat("2026-03-28T20:00Z"), datetime.fromisoformat("2026-10-24T20:00Z")]
Wish = Callable[[Preferences], Preferences]


def wanted(situation: Situation) -> dict[str, datetime]:
    """When each device, by its id, should get a push, said another way than the rules do."""
    asked, wishes, member = situation.comment, situation.preferences, situation.member
    if member is None or asked.deleted or member.read >= asked.offset or muted(situation):
        return {}
    if situation.presence is Presence.ACTIVE and member.delivered >= asked.offset:
        return {}
    found = {}
    for each in situation.devices:
        zone = (wishes.quiet and wishes.quiet.zone) or each.time_zone or "UTC"
        waits = None if wishes.quiet is None or asked.urgent else wishes.quiet
        begins = (waits and first_not_quiet(waits, zone, asked.at)) or asked.at
        if each.platform not in situation.off and (situation.now - begins).total_seconds() < EXPIRES:
            found[each.id] = (waits and first_not_quiet(waits, zone, situation.now)) or situation.now
    return found


def muted(situation: Situation) -> bool:
    asked, wishes, now = situation.comment, situation.preferences, situation.now
    room = wishes.rooms.get(ROOM, RoomPreferences())
    ends = [end for end in (wishes.muted_until, room.muted_until) if end is not None]
    level = wishes.level if room.level is None else room.level
    return (
        any(end > now for end in ends)
        or asked.author in wishes.muted_users
        or level == "none"
        or (level == "mentions" and "bob" not in asked.mentions)
    )


@dataclass
class Bob:
    """One member of the room."""

    member: Member | None = field(default_factory=lambda: Member("bob"))
    devices: dict[str, Device] = field(default_factory=dict)
    presence: Presence = Presence.AWAY
    preferences: Preferences = field(default_factory=Preferences)


class World(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.bob = Bob()
        self.bob.devices["d1"] = device()
        self.comments: list[Comment] = []
        self.off: set[str] = set()

    def situations(self) -> list[Situation]:
        bob = self.bob
        return [
            Situation(
                each, bob.member, list(bob.devices.values()), bob.presence, bob.preferences, self.now,
                [platform for platform in PLATFORMS if platform in self.off], EXPIRES,
            )
            for each in self.comments
        ]  # fmt: skip

    def wish(self, wish: Wish) -> None:
        self.bob.preferences = wish(self.bob.preferences)

    @rule(
        author=st.sampled_from(["ada", "cid"]), mentions=st.sampled_from([(), ("bob",)]), urgent=st.booleans()
    )
    def write(self, author: str, mentions: tuple[str, ...], urgent: bool) -> None:
        offset = len(self.comments) + 1
        said = comment(offset, author=author, mentions=frozenset(mentions), urgent=urgent, at=self.now)
        self.comments.append(said)

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if self.comments:
            place = data.draw(st.integers(0, len(self.comments) - 1))
            self.comments[place] = replace(self.comments[place], deleted=True)

    @rule(minutes=st.sampled_from([1, 10, 45, 180, 500]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(start=st.sampled_from(STARTS))
    def begin_elsewhere_in_time(self, start: datetime) -> None:
        if not self.comments:
            self.now = start

    @rule(delivered=st.integers(0, 9), read=st.integers(0, 9))
    def acknowledge(self, delivered: int, read: int) -> None:
        if self.bob.member is not None:
            self.bob.member = replace(self.bob.member, delivered=max(delivered, read), read=read)

    @rule(inside=st.booleans())
    def join_or_leave(self, inside: bool) -> None:
        self.bob.member = Member("bob") if inside else None

    @rule(presence=st.sampled_from(Presence))
    def come_or_go(self, presence: Presence) -> None:
        self.bob.presence = presence

    @rule(name=st.sampled_from(["d1", "d2", "d3"]), platform=st.sampled_from(PLATFORMS), zone=ZONES)
    def sign_in(self, name: str, platform: str, zone: str | None) -> None:
        self.bob.devices[name] = replace(device(name), platform=platform, time_zone=zone)  # type: ignore[arg-type]

    @rule(name=st.sampled_from(["d1", "d2", "d3"]))
    def sign_out(self, name: str) -> None:
        self.bob.devices.pop(name, None)

    @rule(platform=st.sampled_from(PLATFORMS))
    def switch(self, platform: str) -> None:
        self.off ^= {platform}

    @rule(hours=HOURS)
    def want_quiet(self, hours: QuietHours | None) -> None:
        self.wish(lambda before: replace(before, quiet=hours))

    @rule(level=LEVELS, after=ENDS, users=st.sampled_from([(), ("ada",), ("bob", "cid")]))
    def mute(self, level: Level, after: timedelta | None, users: tuple[str, ...]) -> None:
        until = None if after is None else self.now + after
        self.wish(
            lambda before: replace(before, level=level, muted_until=until, muted_users=frozenset(users))
        )

    @rule(level=st.none() | LEVELS, after=ENDS)
    def mute_room(self, level: Level | None, after: timedelta | None) -> None:
        until = None if after is None else self.now + after
        self.wish(lambda before: replace(before, rooms=in_room(level=level, muted_until=until)))

    @invariant()
    def every_device_gets_what_it_should_when_it_should(self) -> None:
        for asked in self.situations():
            pushes = asked.decide().pushes
            assert len({planned.device.id for planned in pushes}) == len(pushes)
            assert {planned.device.id: planned.not_before for planned in pushes} == wanted(asked)

    @invariant()
    def the_reason_says_whether_there_is_a_push_and_when(self) -> None:
        for asked in self.situations():
            decision = asked.decide()
            times = [planned.not_before for planned in decision.pushes]
            assert (decision.reason is Reason.PUSH) == (asked.now in times)
            assert (decision.reason is Reason.QUIET_HOURS) == bool(times and asked.now not in times)
            for planned in decision.pushes:
                assert (planned.reason is Reason.PUSH) == (planned.not_before == asked.now)
                assert planned.not_before - asked.now <= SLACK

    @invariant()
    def what_waits_is_pushed_when_its_time_has_come(self) -> None:
        for asked in self.situations():
            for planned in asked.decide().pushes:
                lasts = (planned.not_before - asked.comment.at).total_seconds() + EXPIRES
                later = replace(asked, now=planned.not_before, devices=[planned.device], expires_after=lasts)
                again = later.decide()
                assert (again.reason is Reason.PUSH) or muted(asked) != muted(later)

    @invariant()
    def in_quiet_hours_only_what_is_urgent_makes_a_sound(self) -> None:
        hours = self.bob.preferences.quiet
        for asked in self.situations():
            for planned in asked.decide().pushes:
                if hours is not None and planned.reason is Reason.PUSH:
                    zone = hours.zone or planned.device.time_zone or "UTC"
                    assert asked.comment.urgent or not quiet(hours, wall(asked.now, zone).time())


World.TestCase.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)
TestWorld = World.TestCase
