"""Who gets a push for a comment, on which devices, when; and why not. Pure.

The same rules decide when a comment is due, and again when its push is sent. The first reason that holds is
the one that is told, in the order that docs/notifications.md has.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from notifier.model import (
    Comment,
    Decision,
    Device,
    Member,
    Planned,
    Platform,
    Preferences,
    Presence,
    Reason,
    RoomPreferences,
)
from notifier.quiet import quiet_until

_AS_EVERYWHERE = RoomPreferences()


def decide(
    comment: Comment,
    member: Member | None,
    devices: Sequence[Device],
    presence: Presence,
    preferences: Preferences,
    now: datetime,
    *,
    off: Collection[Platform] = (),
    expires_after: float,
) -> Decision:
    """What somebody other than the author gets; `member` is `None` if they are not in the room.

    A push makes sense for `expires_after` seconds after the comment, or, if that came in quiet hours, after
    their end. Platforms that are `off` get none.
    """
    if member is None:
        return Decision((), Reason.NOT_A_MEMBER)
    reason = _known(comment, member) or _unwanted(comment, member, preferences, now)
    if reason is not None:
        return Decision((), reason)
    late = (now - comment.at).total_seconds() >= expires_after
    fresh = [each for each in devices if not late or _waited(comment, each, preferences, now, expires_after)]
    if late and not fresh:
        return Decision((), Reason.EXPIRED)
    if presence is Presence.ACTIVE and member.delivered >= comment.offset:
        return Decision((), Reason.HERE)
    if not devices:
        return Decision((), Reason.NO_DEVICE)
    pushes = [_planned(comment, each, preferences, now) for each in fresh if each.platform not in off]
    return Decision(pushes, _of(pushes))


def ranges(decisions: Iterable[tuple[int, Reason]]) -> list[tuple[int, int, Reason]]:
    """First and last offset for each reason, of offsets in rising order.

    Only offsets that follow each other are put together: a range says nothing of one that was not given.
    """
    found: list[tuple[int, int, Reason]] = []
    for offset, reason in decisions:
        if found and found[-1][1:] == (offset - 1, reason):
            found[-1] = (found[-1][0], offset, reason)
        else:
            found.append((offset, offset, reason))
    return found


def _known(comment: Comment, member: Member) -> Reason | None:
    """Why nobody needs to be told, whatever they wish."""
    if comment.deleted:
        return Reason.DELETED
    return Reason.READ if member.read >= comment.offset else None


def _unwanted(comment: Comment, member: Member, preferences: Preferences, now: datetime) -> Reason | None:
    """Why the member does not wish to be told, at any hour."""
    room = preferences.rooms.get(comment.room, _AS_EVERYWHERE)
    level = room.level or preferences.level
    if _later(preferences.muted_until, now) or (level == "none" and room.level is None):
        return Reason.MUTED
    if _later(room.muted_until, now) or level == "none":
        return Reason.ROOM_MUTED
    if comment.author in preferences.muted_users:
        return Reason.AUTHOR_MUTED
    return Reason.NOT_MENTIONED if level == "mentions" and member.user not in comment.mentions else None


def _planned(comment: Comment, device: Device, preferences: Preferences, now: datetime) -> Planned:
    end = _deferred(comment, device, preferences, now)
    return Planned(device, now, Reason.PUSH) if end is None else Planned(device, end, Reason.QUIET_HOURS)


def _waited(
    comment: Comment, device: Device, preferences: Preferences, now: datetime, expires_after: float
) -> bool:
    """Whether it came in quiet hours, and they have not been over for too long."""
    end = _deferred(comment, device, preferences, comment.at)
    return end is not None and (now - end).total_seconds() < expires_after


def _deferred(comment: Comment, device: Device, preferences: Preferences, at: datetime) -> datetime | None:
    """Until when, of what would be pushed at that time."""
    quiet = preferences.quiet
    if quiet is None or comment.urgent:
        return None
    return quiet_until(quiet, quiet.zone or device.time_zone or "UTC", at)


def _later(until: datetime | None, now: datetime) -> bool:
    return until is not None and until > now


def _of(pushes: Sequence[Planned]) -> Reason:
    """Of somebody with devices: a push now, or one later, or none because their platforms are off."""
    reasons = {planned.reason for planned in pushes}
    return next((each for each in (Reason.PUSH, Reason.QUIET_HOURS) if each in reasons), Reason.PLATFORM_OFF)
