"""A browser that is subscribed to Web Push: it opens what is sent to it, and shows it.

RFC 8188 and RFC 8291 are followed here from their text, with nothing but HMAC, ECDH and AES-GCM, so that
what the notifier encrypts is not checked by what it encrypts with.
"""

import base64
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MAX_BODY = 4096
"""Bytes that every push service takes (RFC 8030, section 7.2)."""


class Unreadable(ValueError):
    """It is not a message for this browser."""


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """Uncompressed, 65 bytes."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def decrypt(body: bytes, private: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """Raise `Unreadable`."""
    salt, size, length = body[:16], int.from_bytes(body[16:20]), body[20]
    sender, sealed = body[21 : 21 + length], body[21 + length :]
    if len(sender) != 65 or not 17 <= len(sealed) <= size:
        raise Unreadable("not one record")
    shared = private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
    both = point(private.public_key()) + sender
    secret = _hmac(_hmac(auth, shared), b"WebPush: info\0" + both + b"\1")
    root = _hmac(salt, secret)
    key = _hmac(root, b"Content-Encoding: aes128gcm\0\1")[:16]
    nonce = _hmac(root, b"Content-Encoding: nonce\0\1")[:12]
    try:
        padded = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0")
    except InvalidTag:
        raise Unreadable("sealed with another key") from None
    if not padded.endswith(b"\2"):
        raise Unreadable("not the last record")
    return padded[:-1]


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


@dataclass(slots=True)
class Browser:
    """What is pending for it is replaced by topic; what it shows, by tag."""

    endpoint: str
    sender: str | None = None
    """The application server's key that it was subscribed with, if any: no other may send (RFC 8292)."""
    online: bool = True
    gone: bool = False
    pending: list[tuple[str | None, Mapping[str, Any]]] = field(default_factory=list)
    """Topics and payloads."""
    notifications: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """By tag, as they are shown now."""
    alerts: list[str] = field(default_factory=list)
    """Ids of what made a sound, or would have: what replaced silently is not among them."""
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    @property
    def subscription(self) -> dict[str, Any]:
        """As `PushSubscription.toJSON()` has it."""
        keys = {"p256dh": encoded(point(self.private.public_key())), "auth": encoded(self.auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def open(self, body: bytes) -> bytes:
        """Raise `Unreadable`."""
        return decrypt(body, self.private, self.auth)

    def take(self, topic: str | None, payload: Mapping[str, Any]) -> None:
        """What the push service does with an accepted message."""
        if topic is not None:
            self.pending = [one for one in self.pending if one[0] != topic]
        self.pending.append((topic, payload))
        if self.online:
            self.return_()

    def return_(self) -> None:
        """It is online again, and is given what is pending."""
        self.online = True
        pending, self.pending = self.pending, []
        for _topic, payload in pending:
            self._show(payload)

    def _show(self, payload: Mapping[str, Any]) -> None:
        """What the page's service worker does."""
        tag = payload["tag"]
        if payload["type"] == "read":
            self.notifications.pop(tag, None)
            return
        self.notifications[tag] = payload
        if not payload["again"]:
            self.alerts.append(payload["id"])
