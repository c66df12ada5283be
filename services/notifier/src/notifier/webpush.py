"""Pushes to browsers: Web Push (RFC 8030), encrypted (RFC 8291), signed (RFC 8292).

The address of a device is a URL that somebody gave us, so each attempt asks the guard again, follows no
redirect, and connects only to an address that was looked at.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from opentelemetry.trace import SpanKind

from chassis.tracing import span
from notifier.addresses import Resolve, resolve_name
from notifier.channels import Channels
from notifier.dialling import Dialling
from notifier.encryption import MAX_PLAINTEXT, InvalidKeys, Recipient, encrypt
from notifier.endpoints import Endpoint, EndpointRefused, Guard
from notifier.sender import Outcome, Push, Rejected, Retry, Unknown
from notifier.vapid import Key, Vapid
from notifier.webpush_answers import TROUBLE_SECONDS, outcome
from notifier.webpush_messages import TooLarge, fields, padded_size, payload
from notifier.wire import NoAnswer, NotTaken, Request, Response

SMALL: Final = 1_024
"""Bytes of plaintext to which a push is cut that a service finds too large."""


def _utc() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Letter:
    """A push, ready to be put into an envelope."""

    push: Push
    endpoint: Endpoint
    to: Recipient
    until: float
    """On the loop's clock."""


class WebPushSender:
    def __init__(
        self,
        key: Key,
        contact: str,
        guard: Guard,
        *,
        deadline: float,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = resolve_name,
        now: Callable[[], datetime] = _utc,
    ) -> None:
        """Sign with `key` as whoever can be reached at `contact`; end each attempt within `deadline` seconds.

        `tls` says which certificates are trusted, and is told which protocols we speak.
        """
        self._vapid = Vapid(key, contact, clock=lambda: now().timestamp())
        self._guard, self._deadline, self._now = guard, deadline, now
        dialling = Dialling(tls or ssl.create_default_context(), private=guard.private, resolve=resolve)
        self._channels = Channels(dialling.dial, patience=deadline)

    async def send(self, push: Push) -> Outcome:
        with span("webpush.send", push.trace, kind=SpanKind.CLIENT):
            try:
                return await self._send(self._address(push))
            except (EndpointRefused, InvalidKeys, TooLarge) as error:
                return Rejected(str(error))
            except NotTaken as error:
                return Retry(TROUBLE_SECONDS, str(error))
            except NoAnswer as error:
                return Unknown(str(error))

    async def close(self) -> None:
        await self._channels.close()

    def _address(self, push: Push) -> _Letter:
        """Raise `EndpointRefused` or `InvalidKeys`."""
        endpoint = self._guard.check(push.device.address)
        keys = push.device.keys
        to = Recipient.of(keys.get("p256dh", ""), keys.get("auth", ""))
        return _Letter(push, endpoint, to, asyncio.get_running_loop().time() + self._deadline)

    async def _send(self, letter: _Letter) -> Outcome:
        """Once more where the answer says that it was not taken, and another attempt may be."""
        most = MAX_PLAINTEXT
        header, response = await self._ask(letter, most)
        if self._may_have_expired(letter.endpoint, header, response.status):
            self._vapid.forget(letter.endpoint.origin, header)
            _, response = await self._ask(letter, most)
        elif response.status == 413 and len(payload(letter.push, most)) > SMALL:
            _, response = await self._ask(letter, SMALL)
        return outcome(response, self._now())

    def _may_have_expired(self, endpoint: Endpoint, header: str, status: int) -> bool:
        """A fresh signature that is forbidden (403) is not that of this subscription, and never will be."""
        return status == 401 or (status == 403 and not self._vapid.is_fresh(endpoint.origin, header))

    async def _ask(self, letter: _Letter, most: int) -> tuple[str, Response]:
        """Return the header that it was signed with, and the answer."""
        origin = letter.endpoint.origin
        header = self._vapid.header(origin)
        content = payload(letter.push, most)
        body = encrypt(content, letter.to, size=padded_size(len(content), most))
        named = {"authorization": header, **fields(letter.push, self._now())}
        request = Request(origin.authority, letter.endpoint.target, named, body)
        left = letter.until - asyncio.get_running_loop().time()
        return header, await self._channels.ask(origin, request, within=left)
