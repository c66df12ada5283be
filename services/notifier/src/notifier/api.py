"""The HTTP API, version 1: devices, what people want to be notified of, and why they were or were not."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AfterValidator, Field

from chassis.auth import Caller, Identity, TokenMissing, identify
from chassis.identity import MAX_USER
from chassis.limits import TooManyRequests
from chassis.problems import BodyTooLarge, InvalidRequest, Problem, answers, invalid
from events import ROOM
from notifier import examples, views
from notifier.changes import Mute, PreferencesChange
from notifier.devices import Devices
from notifier.errors import Forbidden, StorageFull, Unavailable, UnknownComment
from notifier.explain import Explanations, Told
from notifier.fields import printable
from notifier.model import PLATFORMS, Platform
from notifier.preferences import PreferencesTable
from notifier.registrations import Registration, WebPush
from notifier.views import (
    Device,
    DeviceList,
    Notifications,
    PersonNotifications,
    Preferences,
    PushOffer,
    RoomPreferences,
)

KNOWING = (TokenMissing, InvalidRequest, TooManyRequests)
READING = (*KNOWING, Unavailable)
WRITING = (*READING, StorageFull)
SENDING = (*WRITING, Problem, BodyTooLarge)
"""With a body, which may be no JSON or no form at all: 400."""

PRINTABLE = AfterValidator(printable)
"""After the length: else that is called a number of items."""
DeviceId = Annotated[
    str,
    Path(
        pattern="^[A-Za-z0-9_.:-]{1,128}$",
        description="Of the installation: chosen by the app, kept as long as it is installed.",
        examples=[examples.DEVICE["id"]],
    ),
]
RoomId = Annotated[str, Path(pattern=ROOM, description="The room's id.", examples=["chat-5-12"])]
CommentId = Annotated[UUID, Path(description="The comment's id.", examples=[examples.ID])]
Limit = Annotated[int, Query(ge=1, le=100, description="People on a page.")]
After = Annotated[
    str, Query(max_length=MAX_USER, description="People whose user id follows this one."), PRINTABLE
]
User = Annotated[
    Annotated[str, Field(min_length=1, max_length=MAX_USER), PRINTABLE] | None,
    Query(description="Only this one; another needs the right to moderate."),
]


@dataclass(frozen=True, slots=True)
class Offer:
    """What this installation has for apps, and takes from them."""

    on: Collection[Platform]
    """Platforms to which pushes are sent."""
    public_key: str | None
    """Of Web Push; `None` while that is off."""
    check: Callable[[str], object]
    """Raises `ValueError` for an endpoint of Web Push to which nothing may be sent."""
    muted_users: int = 1_000
    """That a person can mute."""


def router(
    devices: Devices, preferences: PreferencesTable, explanations: Explanations, offer: Offer
) -> APIRouter:
    """The routes under `/v1`."""
    routes = APIRouter(prefix="/v1", responses=answers(*KNOWING))
    _devices(routes, devices, offer)
    _preferences(routes, preferences, offer)
    _notifications(routes, explanations)
    return routes


def _devices(routes: APIRouter, devices: Devices, offer: Offer) -> None:
    @routes.get(
        "/push",
        summary="What an app needs before it registers",
        tags=["devices"],
        dependencies=[Depends(identify)],
    )
    async def get_push() -> PushOffer:
        """To which platforms pushes are sent, and the key with which a browser subscribes."""
        key = None if offer.public_key is None else views.WebPush(public_key=offer.public_key)
        return PushOffer(platforms=[each for each in PLATFORMS if each in offer.on], web_push=key)

    @routes.get("/devices", summary="The caller's devices", tags=["devices"], responses=answers(*READING))
    async def list_devices(caller: Caller) -> DeviceList:
        """The one that registered last comes first."""
        found = await devices.of([caller.user])
        return DeviceList(devices=[Device.of(each, offer.on) for each in found[caller.user]])

    @routes.put(
        "/devices/{device}",
        summary="Register a device",
        tags=["devices"],
        responses={
            201: {"model": Device, "description": "It was not the caller's before."},
            **answers(*SENDING),
        },
    )
    async def put_device(
        device: DeviceId, registration: Registration, caller: Caller, response: Response
    ) -> Device:
        """At each start of the app, and when its token changes: the address belongs to one device.

        A device with which somebody else was signed in belongs to the caller from now on. Beyond the most
        that a person can have, the one that registered longest ago is forgotten. A platform that is switched
        off is taken too: `active` says so.
        """
        if isinstance(registration, WebPush):
            _check(registration, offer)
        new = registration.device(caller.user, device)
        response.status_code = 201 if await devices.put(new) else 200
        own = (await devices.of([caller.user]))[caller.user]
        return Device.of(next((each for each in own if each.id == device), new), offer.on)

    @routes.delete(
        "/devices/{device}",
        status_code=204,
        summary="Forget a device",
        tags=["devices"],
        responses=answers(*WRITING),
    )
    async def delete_device(device: DeviceId, caller: Caller) -> None:
        """When its person signs out. What waits for it is not sent; one that is not known is forgotten."""
        await devices.remove(caller.user, device)


def _check(registration: WebPush, offer: Offer) -> None:
    try:
        offer.check(registration.subscription.endpoint)
    except ValueError as error:
        raise invalid([{"loc": ("subscription", "endpoint"), "msg": str(error)}]) from error


def _preferences(routes: APIRouter, preferences: PreferencesTable, offer: Offer) -> None:
    path = "/preferences"

    @routes.get(path, summary="What pushes the caller wants", tags=["pushes"], responses=answers(*READING))
    async def get_preferences(caller: Caller) -> Preferences:
        return Preferences.of(await preferences.get(caller.user))

    @routes.put(path, summary="Say what pushes to get", tags=["pushes"], responses=answers(*SENDING))
    async def put_preferences(change: PreferencesChange, caller: Caller) -> Preferences:
        """What is given replaces what there was; what is absent stays. `rooms` is the whole map of rooms."""
        if len(change.muted_users) > offer.muted_users:
            raise invalid([{"loc": ("mutedUsers",), "msg": f"at most {offer.muted_users} can be muted"}])
        now = datetime.now(UTC)
        return Preferences.of(await preferences.put(caller.user, lambda before: change.applied(before, now)))

    @routes.post(
        "/rooms/{room}/mute",
        summary="Mute a room, or end that",
        tags=["pushes"],
        responses=answers(*SENDING, Forbidden),
    )
    async def mute_room(room: RoomId, mute: Mute, caller: Caller) -> RoomPreferences:
        """Until a time, for some seconds, or for ever: `{}`. An `until` of null and 0 `seconds` end it."""
        if not caller.may("r", room):
            raise Forbidden(f"the token does not allow {caller.user} to read in {room}")
        until = mute.end(datetime.now(UTC))
        return RoomPreferences.of(await preferences.mute(caller.user, room, until))


def _notifications(routes: APIRouter, explanations: Explanations) -> None:
    @routes.get(
        "/comments/{comment}/notifications",
        response_model=Notifications,
        summary="Who was notified of a comment, and why",
        tags=["pushes"],
        responses=answers(*READING, Forbidden, UnknownComment),
    )
    async def list_notifications(
        comment: CommentId, caller: Caller, user: User = None, limit: Limit = 50, after: After = ""
    ) -> Response:
        """The caller themselves; who may moderate sees all members of the room, by user id.

        It is kept for some days only; then the comment is not known here. `next`, also sent as a `Link`
        header, is the path of the page that follows.
        """
        told = await explanations.comment(comment)
        if told is None or not caller.may("r", told.room):
            raise UnknownComment(f"no comment {comment} that {caller.user} may read")
        wanted = _wanted(caller, told, user)
        if wanted is not None:
            return _json(told, [await explanations.person(told, wanted)])
        people = await explanations.people(told, after, limit + 1)
        following = None
        if len(people) > limit:
            turn = urlencode({"limit": limit, "after": people[limit - 1].user})
            following = f"/v1/comments/{comment}/notifications?{turn}"
        return _json(told, people[:limit], following)


def _wanted(caller: Identity, told: Told, user: str | None) -> str | None:
    """The one to tell of; `None` is everybody. Raise `Forbidden`."""
    if caller.may("m", told.room):
        return user
    if user not in (None, caller.user):
        raise Forbidden(f"the token does not allow {caller.user} to moderate in {told.room}")
    return caller.user


def _json(told: Told, people: list[PersonNotifications], following: str | None = None) -> Response:
    body = Notifications(comment=told.id, room=told.room, offset=told.offset, people=people, next=following)
    headers = {"Link": f'<{following}>; rel="next"'} if following else {}
    return Response(body.model_dump_json(by_alias=True), 200, headers, "application/json")
