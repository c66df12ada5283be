"""Pushes to Android, and to apps that use FCM elsewhere: Firebase Cloud Messaging, HTTP v1.

pyfcm builds the messages and google-auth signs; why nothing else of them is used is in docs/adr.
"""

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from opentelemetry.trace import SpanKind
from pyfcm import FCMNotification  # type: ignore[import-untyped]

from chassis.tracing import span
from notifier import endpoints
from notifier.channels import Channels
from notifier.dialling import Dialling
from notifier.fcm_answers import TROUBLE_SECONDS, expired, outcome
from notifier.fcm_messages import request
from notifier.fcm_tokens import AccessTokens
from notifier.sender import Outcome, Push, Rejected, Retry, Unknown
from notifier.wire import NoAnswer, NotTaken, Request

URL = "https://fcm.googleapis.com"


def _utc() -> datetime:
    return datetime.now(UTC)


class FcmSender:
    def __init__(
        self,
        credentials: Any,
        url: str = URL,
        *,
        deadline: float,
        tls: ssl.SSLContext | None = None,
        now: Callable[[], datetime] = _utc,
    ) -> None:
        """Send with the parsed JSON key of a service account; each push within `deadline` seconds.

        Raise `ValueError` if the credentials are not such a key.
        """
        project = credentials.get("project_id") if isinstance(credentials, dict) else None
        if not isinstance(project, str) or not project:
            raise ValueError("the credentials have no project_id")
        self._endpoint = endpoints.read(
            f"{url.rstrip('/')}/v1/projects/{quote(project, safe='')}/messages:send"
        )
        self._deadline, self._now = deadline, now
        dialling = Dialling(
            tls or ssl.create_default_context(), private=True
        )  # the address is ours, not a user's
        self._channels = Channels(dialling.dial, patience=deadline)
        self._tokens = AccessTokens(credentials, self._channels, now, deadline=deadline)
        # pyfcm wants credentials; it looks at them when it sends, which it never does
        self._encode = FCMNotification(credentials=credentials).parse_payload

    async def send(self, push: Push) -> Outcome:
        ends = asyncio.get_running_loop().time() + self._deadline
        with span("fcm.send", push.trace, kind=SpanKind.CLIENT):
            try:
                return await self._send(request(push, self._now(), self._encode), ends)
            except NotTaken as error:
                return Retry(TROUBLE_SECONDS, str(error))
            except NoAnswer as error:
                return Unknown(str(error))
            except endpoints.EndpointRefused as error:
                return Rejected(str(error), ours=True)

    async def close(self) -> None:
        await self._tokens.close()
        await self._channels.close()

    async def _send(self, body: bytes, ends: float) -> Outcome:
        """Once more if our token was refused, as then the push was not looked at."""
        refused = False
        while True:
            token = await self._token(ends)
            if not isinstance(token, str):
                return token
            within = ends - asyncio.get_running_loop().time()
            answer = await self._channels.ask(
                self._endpoint.origin, self._request(body, token), within=within
            )
            if refused or not expired(answer):
                return outcome(answer, self._now())
            self._tokens.forget(token)
            refused = True

    async def _token(self, ends: float) -> str | Retry | Rejected:
        try:
            async with asyncio.timeout_at(ends):
                return await self._tokens.current()
        except TimeoutError:
            return Retry(TROUBLE_SECONDS, "no OAuth token in time")

    def _request(self, body: bytes, token: str) -> Request:
        fields = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        return Request(self._endpoint.origin.authority, self._endpoint.target, fields, body)
