"""Looks again, at the moment of sending, at what was decided: much may have happened since.

What is still to be sent is composed of the comment as it is now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from notifier.badges import Badges
from notifier.deciding import People, Terms
from notifier.ids import push_id, tag
from notifier.matters import Matters, Place
from notifier.model import Comment, Device, Member, Preferences, Presence, Reason
from notifier.outbox_rows import Claimed, Fate
from notifier.rules import decide
from notifier.sender import Push
from notifier.wording import compose

SAFARI = ".push.apple.com"
"""Apple, "Sending web push notifications": a push that shows nothing costs the permission."""

TAKEN_BACK = frozenset({Reason.DELETED, Reason.AUTHOR_MUTED, Reason.NOT_MENTIONED})
"""Why a comment is not pushed, which say nothing of the earlier ones that it was to stand for."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found out about claimed rows."""

    pushes: Sequence[tuple[Claimed, Push]]
    fates: Sequence[Fate]
    """Of those that are not sent now."""


@dataclass(frozen=True, slots=True)
class _Known:
    comments: Mapping[tuple[str, int], Comment]
    members: Mapping[Place, Member]
    devices: Mapping[str, Device]
    preferences: Mapping[str, Preferences]
    presences: Mapping[Place, Presence]
    titles: Mapping[str, str]


class Looking:
    def __init__(self, matters: Matters, people: People, badges: Badges, terms: Terms, *, title: str) -> None:
        """`title` is that of rooms that have none."""
        self._matters, self._people, self._badges = matters, people, badges
        self._off, self._ttl = terms.off, timedelta(seconds=terms.ttl)
        self._title = title

    async def look(self, rows: Sequence[Claimed]) -> Looked:
        """Raise `Unavailable`."""
        known = await self._know(rows)
        now = datetime.now(UTC)
        fates: list[Fate] = []
        left: list[Claimed] = []
        for row in rows:
            fate = self._fate(row, known, now)
            if fate is None:
                left.append(row)
            else:
                fates.append(fate)
        await self._matters.look_before([fate.id for fate in fates if fate.reason in TAKEN_BACK])
        badges = await self._badges.of(row.user for row in left)
        return Looked([(row, self._push(row, known, badges.get(row.user))) for row in left], fates)

    async def _know(self, rows: Sequence[Claimed]) -> _Known:
        places = list(dict.fromkeys((row.room, row.user) for row in rows))
        users, rooms = list({row.user for row in rows}), list({row.room for row in rows})
        members = await self._matters.members(places)
        may_be_here = [
            (row.room, row.user)
            for row in rows
            if (member := members.get((row.room, row.user))) and member.read < row.offset <= member.delivered
        ]
        return _Known(
            comments=await self._matters.comments([(row.room, row.offset) for row in rows]),
            members=members,
            devices=await self._people.devices.get([row.device for row in rows]),
            preferences=await self._people.preferences.of(users, rooms),
            presences=await self._people.presences.of(may_be_here),
            titles=await self._matters.titles(rooms),
        )

    def _fate(self, row: Claimed, known: _Known, now: datetime) -> Fate | None:
        """`None` if it is to be sent now."""
        device = known.devices.get(row.device)
        if device is None or device.user != row.user:
            return Fate(row.id, "cancelled", Reason.DEVICE_GONE)
        if now >= row.expires_at:
            return Fate(row.id, "cancelled", Reason.EXPIRED)
        if row.superseded:  # what is shown later is in its place, also of what is to be taken back
            return Fate(row.id, "cancelled", Reason.COLLAPSED)
        if row.kind == "read":
            return self._taking_back(row, device)
        comment = known.comments.get((row.room, row.offset))
        if comment is None:  # of an epoch that is over, or older than what is kept
            return Fate(row.id, "cancelled", Reason.EXPIRED)
        return self._decide_again(row, comment, device, known, now)

    def _taking_back(self, row: Claimed, device: Device) -> Fate | None:
        if device.platform in self._off:
            return Fate(row.id, "cancelled", Reason.PLATFORM_OFF)
        if device.platform == "webpush" and (urlsplit(device.address).hostname or "").endswith(SAFARI):
            return Fate(row.id, "cancelled", answer="Safari ends subscriptions whose pushes show nothing")
        return None

    def _decide_again(
        self, row: Claimed, comment: Comment, device: Device, known: _Known, now: datetime
    ) -> Fate | None:
        place = (row.room, row.user)
        decision = decide(
            comment,
            known.members.get(place),
            [device],
            known.presences.get(place, Presence.AWAY),
            known.preferences.get(row.user, _DEFAULT),
            now,
            off=self._off,
            expires_after=(row.expires_at - comment.at).total_seconds(),
        )
        match decision.pushes:
            case []:
                return Fate(row.id, "cancelled", decision.reason)
            case [planned] if planned.not_before > now:
                begins = planned.not_before
                return Fate(
                    row.id, "waiting", planned.reason, not_before=begins, expires_at=begins + self._ttl
                )
        return None

    def _push(self, row: Claimed, known: _Known, badge: int | None) -> Push:
        device = known.devices[row.device]
        comment = known.comments.get((row.room, row.offset))
        title, body, icon = "", "", None
        if row.kind == "comment":
            assert comment is not None
            words = compose(
                comment,
                device,
                title=known.titles.get(row.room),
                preview=known.preferences.get(row.user, _DEFAULT).previews(row.room),
                more=row.more,
                default_title=self._title,
            )
            title, body, icon = words.title, words.body, words.icon
        return Push(
            device=device,
            kind=row.kind,
            id=push_id(row.event, row.device, row.kind),
            room=row.room,
            offset=row.offset,
            comment=row.comment,
            title=title,
            body=body,
            icon=icon,
            tag=tag(self._matters.app, row.user, row.room),
            badge=badge,
            more=row.more,
            urgent=comment is not None and comment.urgent,
            again=row.unsure,
            expires_at=row.expires_at,
            trace=row.trace,
        )


_DEFAULT = Preferences()
