"""Decides, once the delay has passed, who gets a push for which comment.

All due comments of a room are decided at once: of those that deserve a push on a device only the newest is
pushed, and stands for the others.
"""

import asyncio
import itertools
import logging
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from notifier.devices import Devices
from notifier.errors import Unavailable
from notifier.matters import Matters, Place, Taken
from notifier.model import Comment, Decision, Device, Member, Planned, Platform, Preferences, Presence, Reason
from notifier.outbox import Outbox
from notifier.outbox_rows import Owed, Spared
from notifier.preferences import PreferencesTable
from notifier.presences import Presences
from notifier.rules import decide, ranges

POLL_SECONDS = 0.1
"""Between two looks for comments that are due; the look reads an index of nothing else."""

LEASE_SECONDS = 30.0
"""After which another replica decides comments of one that was killed."""

RENEWALS = 3
"""Of a lease while it lasts: a page, or Postgres, may be slow without another replica beginning as well."""

PAGE = 1_000
"""Members that are decided at once, if there are few comments."""

PAIRS = 5_000
"""Members times comments that are decided at once: 10 us each, for which nothing else of the process runs."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every push."""

    ttl: float
    """Seconds in which it makes sense."""
    interval: float
    off: Collection[Platform]


@dataclass(frozen=True, slots=True)
class People:
    """Where a decision's parts come from."""

    devices: Devices
    preferences: PreferencesTable
    presences: Presences


class Deciding:
    def __init__(self, matters: Matters, outbox: Outbox, people: People, terms: Terms, *, batch: int) -> None:
        self._matters, self._outbox, self._people, self._terms = matters, outbox, people, terms
        self._batch = batch
        self.due = asyncio.Event()
        """Set when there may be something to send."""
        self.reasons: Counter[Reason] = Counter()
        """Members and comments by what was decided."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                decided = await self.decide_due()
            except Unavailable as error:
                log.warning("nothing is decided: %s", error)
                await asyncio.sleep(1)
                continue
            if not decided:
                await asyncio.sleep(POLL_SECONDS)

    async def decide_due(self) -> int:
        """How many comments were due."""
        taken = await self._matters.take_due(self._batch, LEASE_SECONDS)
        lease = _Lease(self._matters, taken)
        due = sorted(taken.comments, key=_place)
        for room, comments in itertools.groupby(due, key=lambda comment: comment.room):
            await self._decide(room, list(comments), lease)
        return len(due)

    async def _decide(self, room: str, comments: Sequence[Comment], lease: "_Lease") -> None:
        after, most = "", min(PAGE, max(1, PAIRS // len(comments)))
        while members := await self._matters.members_with_devices(room, after, most):
            await lease.renew()
            await self._decide_page(room, comments, members)
            after = members[-1].user
            if len(members) < most:
                break
        await lease.decided(room, [comment.offset for comment in comments])
        self.due.set()

    async def _decide_page(self, room: str, comments: Sequence[Comment], members: Sequence[Member]) -> None:
        users = [member.user for member in members]
        devices = await self._people.devices.of(users)
        preferences = await self._people.preferences.of(users, [room])
        presences = await self._people.presences.of(_may_be_here(room, comments, members))
        owed: list[Owed] = []
        spared: list[Spared] = []
        for member in members:
            page = _Page(
                member,
                devices.get(member.user, []),
                preferences.get(member.user, _DEFAULT),
                presences.get((room, member.user), Presence.AWAY),
            )
            self._decide_member(page, comments, owed, spared)
        await self._outbox.owe(room, owed, spared, self._terms.interval)

    def _decide_member(
        self, page: "_Page", comments: Sequence[Comment], owed: list[Owed], spared: list[Spared]
    ) -> None:
        """Newest first, so that each device is owed one push, which stands for the earlier ones.

        Only one that comes as soon can do that: what is urgent does not wait for the end of quiet hours.
        """
        now, terms, pushes = datetime.now(UTC), self._terms, dict[str, list[_Told]]()
        reasons: list[tuple[int, Reason]] = []
        traces: dict[int, str | None] = {}
        for comment in reversed(comments):
            if comment.author == page.member.user:
                continue
            decision = decide(
                comment, page.member, page.devices, page.presence, page.preferences, now,
                off=terms.off, expires_after=terms.ttl,
            )  # fmt: skip
            told = _tell(pushes, comment, decision)
            reason = Reason.COLLAPSED if decision.pushes and not told else decision.reason
            self.reasons[reason] += 1
            if not told:
                reasons.append((comment.offset, reason))
                traces[comment.offset] = comment.trace
        owed += [_owed(told, terms.ttl) for told in itertools.chain.from_iterable(pushes.values())]
        spared += [
            Spared(page.member.user, first, last, reason, traces.get(first))
            for first, last, reason in ranges(reversed(reasons))
        ]


class _Lease:
    """Of a batch, kept for as long as it takes to decide it."""

    def __init__(self, matters: Matters, taken: Taken) -> None:
        self._matters, self._comments = matters.under(taken.lease), taken.comments
        self._since = time.monotonic()

    async def renew(self) -> None:
        """If it is time to."""
        now = time.monotonic()
        if now - self._since >= LEASE_SECONDS / RENEWALS:
            lease = await self._matters.renew(self._comments, LEASE_SECONDS)
            self._matters, self._since = self._matters.under(lease), now

    async def decided(self, room: str, offsets: Sequence[int]) -> None:
        await self._matters.decided(room, offsets)


@dataclass(frozen=True, slots=True)
class _Page:
    """A member, and what is known of them."""

    member: Member
    devices: Sequence[Device]
    preferences: Preferences
    presence: Presence


@dataclass(slots=True)
class _Told:
    """A push that a device is owed, and for how many comments."""

    comment: Comment
    planned: Planned
    stands_for: int = 1


_DEFAULT = Preferences()


def _place(comment: Comment) -> tuple[str, int]:
    return comment.room, comment.offset


def _may_be_here(room: str, comments: Sequence[Comment], members: Sequence[Member]) -> list[Place]:
    """Who has been delivered something of it, and has not read all: others are not here, or need no push."""
    first, last = comments[0].offset, comments[-1].offset
    return [(room, member.user) for member in members if member.delivered >= first and member.read < last]


def _tell(pushes: dict[str, list[_Told]], comment: Comment, decision: Decision) -> bool:
    """Whether a device is owed a push of the comment's own."""
    own = False
    for planned in decision.pushes:
        later = pushes.setdefault(planned.device.id, [])
        if later and later[-1].planned.not_before <= planned.not_before:
            later[-1].stands_for += 1
        else:
            later.append(_Told(comment, planned))
            own = True
    return own


def _owed(told: _Told, ttl: float) -> Owed:
    comment, planned = told.comment, told.planned
    begins = planned.not_before if planned.reason is Reason.QUIET_HOURS else comment.at
    return Owed(
        offset=comment.offset,
        event=comment.event,
        comment=comment.id,
        user=planned.device.user,
        device=planned.device.id,
        platform=planned.device.platform,
        reason=planned.reason,
        not_before=planned.not_before,
        expires_at=begins + timedelta(seconds=ttl),
        stands_for=told.stands_for,
        trace=comment.trace,
    )
