"""Devices as apps register them. Pure."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from notifier import examples, model
from notifier.examples import shown
from notifier.fields import Point, Secret, Zone
from notifier.views import View

MAX_ENDPOINT = 2_000
"""Characters; those of browsers have 150 to 600."""


class _Registration(View):
    model_config = ConfigDict(extra="forbid")

    app: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z0-9._-]{1,200}$", description="Bundle id; null is the configured one."),
    ] = None
    locale: Annotated[
        str | None,
        Field(
            pattern="^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$",
            description="BCP 47; the language of its pushes.",
        ),
    ] = None
    time_zone: Annotated[Zone | None, Field(description="IANA; that of quiet hours which name none.")] = None

    def _device(self, user: str, id_: str, platform: model.Platform, address: str) -> model.Device:
        return model.Device(
            id_, user, platform, address, target=self.app, locale=self.locale, time_zone=self.time_zone
        )


class Apns(_Registration):
    """A device of Apple's."""

    model_config = shown(examples.APNS)

    platform: Literal["apns"]
    token: Annotated[str, Field(pattern="^([0-9A-Fa-f]{2}){32,100}$", description="Device token, as hex.")]

    def device(self, user: str, id_: str) -> model.Device:
        return self._device(user, id_, self.platform, self.token.lower())


class Fcm(_Registration):
    """A device that Firebase reaches."""

    model_config = shown(examples.FCM)

    platform: Literal["fcm"]
    token: Annotated[str, Field(pattern="^[!-~]{1,4096}$", description="Registration token.")]

    def device(self, user: str, id_: str) -> model.Device:
        return self._device(user, id_, self.platform, self.token)


class SubscriptionKeys(View):
    p256dh: Annotated[
        Point, Field(alias="p256dh", description="The browser's public key: P-256, uncompressed.")
    ]
    auth: Annotated[Secret, Field(description="16 bytes.")]


class Subscription(View):
    """As `PushSubscription.toJSON()` makes it."""

    endpoint: Annotated[str, Field(pattern="^https?://[!-~]+$", max_length=MAX_ENDPOINT)]
    keys: SubscriptionKeys


class WebPush(_Registration):
    """A browser."""

    model_config = shown(examples.WEBPUSH)

    platform: Literal["webpush"]
    subscription: Subscription

    def device(self, user: str, id_: str) -> model.Device:
        keys = {"p256dh": self.subscription.keys.p256dh, "auth": self.subscription.keys.auth}
        address = self.subscription.endpoint
        return replace(self._device(user, id_, self.platform, address), keys=keys)


Registration = Annotated[Apns | Fcm | WebPush, Field(discriminator="platform")]
