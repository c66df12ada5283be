"""Why somebody was or was not notified, in plain words, and what can be done about it."""

from collections.abc import Iterator
from datetime import UTC, datetime

from notifier.model import Reason
from notifier.views import DeviceNotification, Notifications, PersonNotifications

NAMES = {"apns": "APNs", "fcm": "FCM", "webpush": "Web Push"}

SETTINGS = {
    "apns": "PARLEY_APNS_KEY_FILE, PARLEY_APNS_KEY_ID, PARLEY_APNS_TEAM_ID and PARLEY_APNS_TOPIC",
    "fcm": "PARLEY_FCM_CREDENTIALS_FILE",
    "webpush": "PARLEY_WEBPUSH_KEY_FILE",
}
"""That switch a platform on."""

WHY = {
    Reason.PUSH: "was not here, and wants to be notified",
    Reason.QUIET_HOURS: "has quiet hours; the push waits for their end",
    Reason.DELETED: "the comment was deleted",
    Reason.NOT_A_MEMBER: "was no member of the room",
    Reason.READ: "has read it",
    Reason.MUTED: "has muted everything",
    Reason.ROOM_MUTED: "has muted the room",
    Reason.AUTHOR_MUTED: "has muted its author",
    Reason.NOT_MENTIONED: "wants to be told of mentions only, and it mentions somebody else or nobody",
    Reason.HERE: "was here and active, and it was delivered",
    Reason.NO_DEVICE: "has no device registered",
    Reason.PLATFORM_OFF: "pushes to that platform are switched off",
    Reason.EXPIRED: "it was too old when it could have been sent",
    Reason.COLLAPSED: "a later comment of the room was pushed in its place",
    Reason.DEVICE_GONE: "the device is gone: signed out, or not known to its push service any more",
    Reason.READ_ELSEWHERE: "it was read on another device",
    "author": "wrote it",
    "waiting": "it is not decided yet",
    "unknown": "nothing was written down about it",
}

REMEDIES = {
    Reason.NOT_A_MEMBER: "to be notified they join the room: POST /v1/rooms/{room}/members",
    Reason.MUTED: "they end it themselves: PUT /v1/preferences with mutedUntil null, or another level",
    Reason.ROOM_MUTED: "they end it themselves: POST /v1/rooms/{room}/mute with an until of null,"
    " or PUT /v1/preferences",
    Reason.AUTHOR_MUTED: "they end it themselves: PUT /v1/preferences with other mutedUsers",
    Reason.NOT_MENTIONED: "they change it themselves: PUT /v1/preferences with the level all",
    Reason.NO_DEVICE: "their app registers one: PUT /v1/devices/{{id}}",
    Reason.EXPIRED: "see whether the notifier or its push service was away; how long a push makes sense is"
    " PARLEY_PUSH_TTL",
    Reason.DEVICE_GONE: "their app registers it again: PUT /v1/devices/{{id}}",
    "waiting": "ask again in a moment",
    "unknown": "they joined or registered after it was decided, or it was too old when it became known",
}
"""What leads to a push the next time; `room` is filled in."""


def lines(told: Notifications) -> Iterator[str]:
    """For a terminal: what others wrote is escaped, so that it cannot steer it."""
    yield f"comment {told.comment}: offset {told.offset} of {plain(told.room)}"
    for person in told.people:
        yield _of_person(person)
        yield from (f"  {_of_device(device)}" for device in person.devices)
        if person.trace:
            yield f"  trace {plain(person.trace)}"
    remedies = list(dict.fromkeys(_remedies(told)))
    if remedies:
        yield "what to do:"
        yield from (f"  {remedy}" for remedy in remedies)


def _of_person(person: PersonNotifications) -> str:
    made = "push" if person.reason in (Reason.PUSH, Reason.QUIET_HOURS) else "no push"
    if person.reason == "waiting":
        made = "no push yet"
    when = f", decided {_time(person.at)}" if person.at and person.reason != "waiting" else ""
    return f"{plain(person.user)}: {made}{when}: {WHY[person.reason]}"


def _of_device(device: DeviceNotification) -> str:
    return f"{plain(device.device)} ({_name(device.platform)}): {_state(device)}"


def _state(device: DeviceNotification) -> str:
    said = f"; it said: {plain(device.answer)}" if device.answer else ""
    tries = f"after {device.attempts} attempt{'' if device.attempts == 1 else 's'}"
    match device.state:
        case "none":
            return f"no push: {WHY[device.reason]}"
        case "waiting":
            return f"due {_time(device.not_before)}, {tries}{said}"
        case "sending":
            return f"is being handed to the push service{said}"
        case "sent":
            what = "taking it back was" if device.kind == "read" else "was"
            return f"{what} handed to the push service {_time(device.at)}, {tries}{said}"
        case "cancelled":
            return f"not sent: {WHY[device.reason]}{said}"
        case "failed":
            return f"given up {_time(device.at)}, {tries}{said}"
        case "unknown":
            return f"may have been shown: the push service did not answer, {tries}{said}"


def _remedies(told: Notifications) -> Iterator[str]:
    for person in told.people:
        who = plain(person.user)
        if (remedy := REMEDIES.get(person.reason)) is not None:
            yield f"{who}: {remedy.format(room=plain(told.room))}"
        for device in person.devices:
            if (found := _remedy(device)) is not None:
                yield found


def _remedy(device: DeviceNotification) -> str | None:
    name = _name(device.platform)
    if device.reason is Reason.PLATFORM_OFF and device.platform in SETTINGS:
        return f"{name} is off: set {SETTINGS[device.platform]}, and start the notifier again"
    match device.state:
        case "failed":
            return f"{name} takes no such push: its answer above says why; /readyz says what is configured"
        case "unknown":
            return f"{name} was not heard: look at the network between it and the notifier"
        case "cancelled" if device.reason is Reason.DEVICE_GONE:
            return f"{plain(device.device)}: its app registers it again: PUT /v1/devices/{{id}}"
    return None


def _name(platform: str) -> str:
    return NAMES.get(platform) or plain(platform)


def _time(at: datetime | None) -> str:
    return "at some time" if at is None else f"at {at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def plain(text: str) -> str:
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
