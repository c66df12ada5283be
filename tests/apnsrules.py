"""What APNs asks of a request, in Apple's own words for what is wrong.

Apple, "Sending notification requests to APNs" and "Handling notification responses from APNs".
"""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

MAX_PAYLOAD = 4096
MAX_COLLAPSE_ID = 64
HOUR = 3600
UPDATES = 20 * 60
"""Seconds between two tokens. Apple tolerates a little more than one in this time; so does this."""
VISIBLE = {"alert", "badge", "sound"}


class Refused(Exception):
    def __init__(self, status: int, reason: str, **more: int) -> None:
        super().__init__(reason)
        self.status, self.reason, self.more = status, reason, more


@dataclass
class Account:
    """Of a developer: one key, and the tokens that were signed with it."""

    key_id: str
    team_id: str
    topic: str
    key: ec.EllipticCurvePublicKey
    tokens: dict[str, float] = field(default_factory=dict)
    """Those that are signed well, and when each was seen first."""
    issued: dict[str, float] = field(default_factory=dict)
    """When they say that they were issued."""

    def check_token(self, authorization: str | None) -> None:
        """Raise `Refused`."""
        if authorization is None or not authorization.startswith("bearer "):
            raise Refused(403, "MissingProviderToken")
        token = authorization.removeprefix("bearer ")
        now = time.time()
        if token not in self.tokens:
            self.issued[token] = self._claims(token)["iat"]
            self.tokens[token] = now
        if self.issued[token] < now - HOUR:
            raise Refused(403, "ExpiredProviderToken")
        if sum(now - seen < UPDATES for seen in self.tokens.values()) > 2:
            raise Refused(429, "TooManyProviderTokenUpdates")

    def _claims(self, token: str) -> Mapping[str, Any]:
        try:
            if jwt.get_unverified_header(token).get("kid") != self.key_id:
                raise Refused(403, "InvalidProviderToken")
            claims: Mapping[str, Any] = jwt.decode(
                token, self.key, ["ES256"], issuer=self.team_id, options={"require": ["iss", "iat"]}
            )
        except jwt.InvalidTokenError:
            raise Refused(403, "InvalidProviderToken") from None
        return claims


def check_fields(fields: Mapping[str, str], topic: str) -> None:
    """Raise `Refused`."""
    if fields.get("apns-topic") != topic:
        raise Refused(400, "DeviceTokenNotForTopic" if "apns-topic" in fields else "MissingTopic")
    if fields.get("apns-push-type") not in {"alert", "background"}:
        raise Refused(400, "InvalidPushType")
    if fields.get("apns-priority") not in {"5", "10"}:
        raise Refused(400, "BadPriority")
    if not re.fullmatch(r"[1-9][0-9]{0,10}", fields.get("apns-expiration", "")):
        raise Refused(400, "BadExpirationDate")
    if not 0 < len(fields.get("apns-collapse-id", "").encode()) <= MAX_COLLAPSE_ID:
        raise Refused(400, "BadCollapseId")
    try:
        proper = str(UUID(fields.get("apns-id", ""))) == fields["apns-id"]
    except ValueError:
        proper = False
    if not proper:
        raise Refused(400, "BadMessageId")


def check_payload(fields: Mapping[str, str], body: bytes) -> Mapping[str, Any]:
    """The payload; raise `Refused`, also for what Apple accepts and then never shows."""
    if not body:
        raise Refused(400, "PayloadEmpty")
    if len(body) > MAX_PAYLOAD:
        raise Refused(413, "PayloadTooLarge")
    payload: Mapping[str, Any] = json.loads(body)
    shows = not VISIBLE.isdisjoint(payload["aps"])
    if shows != (fields["apns-push-type"] == "alert"):
        raise Refused(400, "InvalidPushType")
    if not shows and fields["apns-priority"] != "5":
        raise Refused(400, "BadPriority")
    return payload
