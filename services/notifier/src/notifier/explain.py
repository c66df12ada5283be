"""Who was notified of a comment, who was not, and why: as it was written down when it was decided."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from notifier.database import Pool, fetch
from notifier.devices import Devices
from notifier.model import Device, Platform, Reason
from notifier.views import DeviceNotification, PersonNotifications, Why


@dataclass(frozen=True, slots=True)
class Told:
    """A comment, as far as it matters who was told of it."""

    id: UUID
    room: str
    offset: int
    author: str
    deleted: bool
    look_at: datetime | None
    """When it is decided; `None` once it was."""
    trace: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """What was written down about one person and one comment, and what is known beside."""

    user: str
    since: int | None
    """Offset from which they are a member of the room; `None` if they are not."""
    decision: asyncpg.Record | None
    pushes: Sequence[asyncpg.Record]
    devices: Sequence[Device]


@dataclass(frozen=True, slots=True)
class Explanations:
    """Of one app. All raise `Unavailable`."""

    pool: Pool
    app: str
    devices: Devices
    on: Collection[Platform]
    """Platforms to which pushes are sent."""

    async def comment(self, comment: UUID) -> Told | None:
        rows = await fetch(self.pool, _COMMENT, self.app, comment)
        return Told(*rows[0].values()) if rows else None

    async def people(self, told: Told, after: str, limit: int) -> list[PersonNotifications]:
        """Members of the room, and for whom a push was made; by user id, following `after`."""
        rows = await fetch(self.pool, _PEOPLE, self.app, told.room, told.id, after, limit)
        return await self._explain(told, {row["user"]: row["since"] for row in rows})

    async def person(self, told: Told, user: str) -> PersonNotifications:
        rows = await fetch(self.pool, _SINCE, self.app, told.room, user)
        [found] = await self._explain(told, {user: rows[0]["since"] if rows else None})
        return found

    async def _explain(self, told: Told, since: Mapping[str, int | None]) -> list[PersonNotifications]:
        users = list(since)
        decisions = await fetch(self.pool, _DECISIONS, self.app, told.room, told.offset, users)
        decided = {row["user"]: row for row in decisions}
        pushes: dict[str, list[asyncpg.Record]] = {user: [] for user in users}
        for row in await fetch(self.pool, _PUSHES, self.app, told.id, users):
            pushes[row["user"]].append(row)
        devices = await self.devices.of(users)
        people = (Known(user, since[user], decided.get(user), pushes[user], devices[user]) for user in users)
        return [explained(told, known, self.on) for known in people]


def explained(told: Told, known: Known, on: Collection[Platform]) -> PersonNotifications:
    """Pure."""
    reason, at = _reason(told, known)
    pushed = {row["device"] for row in known.pushes}
    without = [device for device in known.devices if device.id not in pushed]
    if known.user == told.author or reason == Reason.NOT_A_MEMBER:
        without = []
    return PersonNotifications(
        user=known.user,
        reason=reason,
        at=at,
        trace=told.trace,
        devices=[
            *map(_push, known.pushes),
            *(_none(device, _reason_of(device, reason, on)) for device in without),
        ],
    )


def _reason(told: Told, known: Known) -> tuple[Why, datetime | None]:
    """Of the person, and when it was decided."""
    comments = [row for row in known.pushes if row["kind"] == "comment"]
    if comments:
        by_weight = sorted(comments, key=lambda row: _WEIGHT.get(row["reason"], len(_WEIGHT)))
        return _why(by_weight[0]["reason"]), min(row["created_at"] for row in comments)
    if known.decision is not None:
        return _why(known.decision["reason"]), known.decision["at"]
    return _computed(told, known)


def _computed(told: Told, known: Known) -> tuple[Why, datetime | None]:
    """For those about whom nothing is written down."""
    if known.user == told.author:
        return "author", None
    if known.since is None or known.since > told.offset:
        return Reason.NOT_A_MEMBER, None
    if not known.devices:
        return Reason.NO_DEVICE, None
    if told.look_at is not None:
        return "waiting", told.look_at
    return (Reason.DELETED if told.deleted else "unknown"), None


def _reason_of(device: Device, reason: Why, on: Collection[Platform]) -> Why:
    """Of a device for which no push was made; it may have come after those that have one."""
    if reason not in _WEIGHT:
        return reason
    return "unknown" if device.platform in on else Reason.PLATFORM_OFF


_WEIGHT = {Reason.PUSH: 0, Reason.QUIET_HOURS: 1}
"""Of several reasons of a person the one that led to a push is told."""


def _why(text: str) -> Why:
    """Of a row, which a later version may have written."""
    return Reason(text) if text in _REASONS else "unknown"


_REASONS = frozenset(map(str, Reason))


def _push(row: asyncpg.Record) -> DeviceNotification:
    return DeviceNotification(
        device=row["device"],
        platform=row["platform"],
        kind=row["kind"],
        state=row["state"],
        reason=_why(row["reason"]),
        answer=row["answer"],
        attempts=row["attempts"],
        not_before=row["not_before"],
        at=row["ended_at"] or row["created_at"],
        trace=row["trace"],
    )


def _none(device: Device, reason: Why) -> DeviceNotification:
    return DeviceNotification(
        device=device.id, platform=device.platform, kind="comment", state="none", reason=reason
    )


_COMMENT = """
    select id, room, "offset", author, deleted, look_at, trace
    from notifier.comments where app = $1 and id = $2
"""

_PEOPLE = """
    select people."user", m.since from (
        (select "user" from notifier.members where app = $1 and room = $2 and "user" > $4
            order by "user" limit $5)
        union
        (select distinct "user" from notifier.pushes where app = $1 and comment = $3 and "user" > $4
            order by "user" limit $5)
    ) as people
    left join notifier.members m on m.app = $1 and m.room = $2 and m."user" = people."user"
    order by people."user" limit $5
"""

_SINCE = 'select since from notifier.members where app = $1 and room = $2 and "user" = $3'

_DECISIONS = """
    select decision.* from unnest($4::text[]) as people ("user"), lateral (
        select d."user", d.reason, d.at from notifier.decisions d
        where d.app = $1 and d.room = $2 and d."user" = people."user" and d.first <= $3 and d.last >= $3
        order by d.first desc limit 1
    ) as decision
"""

_PUSHES = """
    select "user", device, platform, kind, state, reason, answer, attempts, not_before, created_at, ended_at,
        trace
    from notifier.pushes where app = $1 and comment = $2 and "user" = any($3::text[])
    order by "user", kind, device
"""
