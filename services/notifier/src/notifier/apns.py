"""Pushes to Apple devices: APNs' provider API over HTTP/2.

The words of its protocol are aioapns'; its connections are ours, as those of aioapns lose pushes and send
them twice (docs/adr/0009).
"""

import asyncio
import re
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from aioapns.common import PRIORITY_HIGH, PRIORITY_NORMAL, PushType
from opentelemetry.trace import SpanKind

from chassis.tracing import span
from notifier.apns_answers import TROUBLE_SECONDS, expired, outcome, reason
from notifier.apns_payload import TooLarge, payload
from notifier.apns_token import shared
from notifier.channels import Channels
from notifier.dialling import Dialling
from notifier.endpoints import read
from notifier.sender import Outcome, Push, Rejected, Retry, Unknown
from notifier.wire import NoAnswer, NotTaken, Request, Response

PRODUCTION: Final = "https://api.push.apple.com"
SANDBOX: Final = "https://api.sandbox.push.apple.com"

_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,255}")


def _utc() -> datetime:
    return datetime.now(UTC)


class ApnsSender:
    def __init__(
        self,
        url: str,
        key_pem: str,
        key_id: str,
        team_id: str,
        topic: str,
        *,
        deadline: float,
        connections: int = 2,
        tls: ssl.SSLContext | None = None,
        now: Callable[[], datetime] = _utc,
    ) -> None:
        """End each attempt within `deadline` seconds, over at most `connections` at once.

        `topic` is that of devices that name none. `tls` says which certificates are trusted; it is told which
        protocol we speak, and so is for this sender alone. Raise `ValueError` if key or URL are not usable.
        """
        self._origin, self._topic = read(url).origin, topic
        self._token = shared(key_pem, key_id, team_id)
        self._deadline, self._now = deadline, now
        # Apple asks to keep connections open; many that come and go look like an attack to it.
        own = tls or ssl.create_default_context()
        dialling = Dialling(own, private=True, protocols=["h2"], kept=True)
        self._channels = Channels(dialling.dial, patience=deadline, per_origin=connections)

    async def send(self, push: Push) -> Outcome:
        with span("apns.send", push.trace, kind=SpanKind.CLIENT):
            try:
                return await self._send(push)
            except TooLarge:
                return Rejected("PayloadTooLarge")
            except NotTaken as error:
                return Retry(TROUBLE_SECONDS, str(error))
            except NoAnswer as error:
                return Unknown(str(error))

    async def close(self) -> None:
        await self._channels.close()

    async def _send(self, push: Push) -> Outcome:
        """Once more if our token was too old, as then the push was not looked at."""
        until = asyncio.get_running_loop().time() + self._deadline
        topic = push.device.target or self._topic
        if not _TOPIC.fullmatch(topic):
            return Rejected("BadTopic", ours=push.device.target is None)
        body, token = payload(push), self._token.current()
        response = await self._ask(push, topic, body, token, until)
        if expired(response):
            renewed = self._token.renewed(token)
            if renewed is None:  # it was not the token that is wrong, but our clock, or Apple's
                return Rejected(reason(response), ours=True)
            response = await self._ask(push, topic, body, renewed, until)
        return outcome(response, self._now(), own_topic=push.device.target is None)

    async def _ask(self, push: Push, topic: str, body: bytes, token: str, until: float) -> Response:
        named = {"authorization": f"bearer {token}", "apns-topic": topic, **fields(push)}
        target = f"/3/device/{quote(push.device.address, safe='')}"
        request = Request(self._origin.authority, target, named, body)
        left = until - asyncio.get_running_loop().time()
        return await self._channels.ask(self._origin, request, within=left)


def fields(push: Push) -> Mapping[str, str]:
    """What Apple is told of a push beside its payload and for whom it is.

    What was read elsewhere sets the badge, and what does is of type `alert`: a `background` push may hold
    neither alert, badge nor sound, waits for a moment that iOS finds good, and is dropped beyond some two or
    three an hour. With `content-available` beside the badge the app is woken as well, as far as iOS lets it
    be, to take the notification back. Nothing is shown or heard of it, so it has the lower priority, which
    spares the battery. Only where no badge is known nothing but the waking is left, which is `background`.
    Its collapse id is that of the notification, which is never shown if it waits at APNs for a device still.
    """
    read_elsewhere = push.kind == "read"
    background = read_elsewhere and push.badge is None
    return {
        "apns-id": str(push.id),
        "apns-collapse-id": push.tag,
        "apns-expiration": str(max(int(push.expires_at.timestamp()), 1)),  # 0 means: try only once
        "apns-push-type": (PushType.BACKGROUND if background else PushType.ALERT).value,
        "apns-priority": PRIORITY_NORMAL if read_elsewhere else PRIORITY_HIGH,
    }
