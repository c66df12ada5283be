"""The OAuth token that FCM wants to see: one for all pushes, renewed before it ends (RFC 7523)."""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlencode

from google.auth import jwt
from google.auth.crypt import RSASigner, Signer

from notifier import endpoints
from notifier.channels import Channels
from notifier.fcm_answers import TROUBLE_SECONDS, json_object
from notifier.pauses import retry_after
from notifier.sender import Rejected, Retry
from notifier.wire import NoAnswer, NotTaken, Request, Response

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105  an address
ASSERTED = timedelta(minutes=10)
"""For which our signed request for a token is valid; Google allows an hour."""
RENEWED_AFTER = timedelta(minutes=45)
"""Tokens last an hour."""
RENEWED_BEFORE = timedelta(minutes=5)
"""Their end, if they last shorter."""
SPARE = timedelta(seconds=10)
"""Before its end a token is not used any more: the request takes time, and clocks differ."""
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750, section 2.1: what can be a field of a request."""
MAX_LIFETIME = 86_400
"""Seconds."""
TRIED_AGAIN = timedelta(seconds=30)
"""After a renewal failed while the old token is still good."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    renewed: datetime
    """When the next one is asked for, in the background."""
    ends: datetime


class AccessTokens:
    def __init__(
        self,
        account: Mapping[str, Any],
        channels: Channels,
        now: Callable[[], datetime],
        *,
        deadline: float,
    ) -> None:
        """Raise `ValueError` if `account` is not the JSON key of a service account."""
        self._email, self._signer = _identity(account)
        self._uri = str(account.get("token_uri", TOKEN_URI))
        self._endpoint = endpoints.read(self._uri)
        self._channels, self._now, self._deadline = channels, now, deadline
        self._token: _Token | None = None
        self._renewing: asyncio.Task[_Token | Retry | Rejected] | None = None

    async def current(self) -> str | Retry | Rejected:
        """One that is valid, or why there is none. However many ask, one is fetched."""
        token, now = self._token, self._now()
        if token is None or now >= token.ends:
            fetched = await asyncio.shield(self._renewal())
            return fetched.value if isinstance(fetched, _Token) else fetched
        if now >= token.renewed:
            self._renewal()
        return token.value

    def forget(self, value: str) -> None:
        """FCM does not accept it."""
        if self._token is not None and self._token.value == value:
            self._token = None

    async def close(self) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait([self._renewing])

    def _renewal(self) -> asyncio.Task[_Token | Retry | Rejected]:
        """That which runs, or a new one; it outlives whoever waits for it."""
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew())
        return self._renewing

    async def _renew(self) -> _Token | Retry | Rejected:
        fetched = await self._fetch()
        if isinstance(fetched, _Token):
            self._token = fetched
            return fetched
        log.warning("no OAuth token for FCM: %s", fetched.reason)
        if self._token is not None:
            self._token = replace(self._token, renewed=self._now() + TRIED_AGAIN)
        return fetched

    async def _fetch(self) -> _Token | Retry | Rejected:
        origin = self._endpoint.origin
        form = urlencode({"grant_type": GRANT, "assertion": self._assertion()}).encode()
        fields = {"content-type": "application/x-www-form-urlencoded"}
        request = Request(origin.authority, self._endpoint.target, fields, form)
        try:
            return self._read(await self._channels.ask(origin, request, within=self._deadline))
        except (NotTaken, NoAnswer) as error:
            return Retry(TROUBLE_SECONDS, f"oauth: {error}")
        except endpoints.EndpointRefused as error:
            return Rejected(f"oauth: {error}", ours=True)

    def _assertion(self) -> str:
        now = self._now()
        claims = {
            "iss": self._email,
            "scope": SCOPE,
            "aud": self._uri,
            "iat": int(now.timestamp()),
            "exp": int((now + ASSERTED).timestamp()),
        }
        return cast("bytes", jwt.encode(self._signer, claims)).decode()  # type: ignore[no-untyped-call]

    def _read(self, response: Response) -> _Token | Retry | Rejected:
        now, answer = self._now(), json_object(response.body)
        match answer:
            case {"access_token": str(value), "expires_in": int(seconds)} if (
                response.status == 200 and TOKEN.fullmatch(value)
            ):
                lasts = timedelta(seconds=min(max(seconds, 0), MAX_LIFETIME))
                return _Token(value, now + min(RENEWED_AFTER, lasts - RENEWED_BEFORE), now + lasts - SPARE)
        if response.status == 429 or response.status >= 500:
            after = retry_after(response.fields.get("retry-after"), now, TROUBLE_SECONDS)
            return Retry(after, f"oauth: {response.status}")
        error = str(answer.get("error", ""))
        word = error if re.fullmatch(r"[a-z_]{1,40}", error) else ""
        return Rejected(f"oauth: {response.status} {word}".rstrip(), ours=True)


def _identity(account: Mapping[str, Any]) -> tuple[str, Signer]:
    email = account.get("client_email")
    if not isinstance(email, str):
        raise ValueError("the credentials have no client_email: they are not a service account's")  # noqa: TRY004
    try:
        signer: Signer = RSASigner.from_service_account_info(account)  # type: ignore[no-untyped-call]
    except (ValueError, TypeError):
        raise ValueError("the credentials have no RSA key as private_key") from None
    return email, signer
