"""Messages that only one browser can read: RFC 8291, in one record of RFC 8188. Pure but for randomness."""

import base64
import binascii
import secrets
from dataclasses import dataclass
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MAX_BODY: Final = 4096
"""Bytes that every push service takes (RFC 8030, section 7.2)."""
MAX_PLAINTEXT: Final = 3993
"""Bytes that fit beside 86 of the header, 1 of the delimiter and 16 of the tag (RFC 8291, section 4)."""
_CURVE: Final = ec.SECP256R1()
_POINT: Final = 65  # bytes, uncompressed
_AUTH: Final = 16  # bytes


class InvalidKeys(ValueError):
    """The keys are not those of a Web Push subscription."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a message is for: the keys of a subscription."""

    key: ec.EllipticCurvePublicKey
    point: bytes
    auth: bytes

    @classmethod
    def of(cls, p256dh: str, auth: str) -> Self:
        """Both are base64url. Raise `InvalidKeys`."""
        point, secret = unpacked(p256dh), unpacked(auth)
        if len(point) != _POINT or len(secret) != _AUTH:
            raise InvalidKeys("p256dh has 65 bytes, auth 16")
        try:
            return cls(ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point), point, secret)
        except ValueError:
            raise InvalidKeys("p256dh is not a point of P-256") from None


def encrypt(
    plaintext: bytes,
    to: Recipient,
    *,
    size: int = 0,
    salt: bytes | None = None,
    private: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """Return the body of the request, padded as if the plaintext had `size` bytes.

    `salt` and `private` must be new for each message, and are if they are not given. Raise `ValueError` if
    it does not fit into one record.
    """
    if max(len(plaintext), size) > MAX_PLAINTEXT:
        raise ValueError(f"{len(plaintext)} bytes do not fit")
    salt = salt or secrets.token_bytes(16)
    private = private or ec.generate_private_key(_CURVE)
    sender = point_of(private.public_key())
    secret = _derive(private.exchange(ec.ECDH(), to.key), to.auth, b"WebPush: info\0" + to.point + sender, 32)
    key = _derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(secret, salt, b"Content-Encoding: nonce\0", 12)
    padding = bytes(max(size - len(plaintext), 0))
    record = AESGCM(key).encrypt(nonce, plaintext + b"\2" + padding, None)
    return salt + MAX_BODY.to_bytes(4) + bytes([_POINT]) + sender + record


def _derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)


def point_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """Uncompressed, 65 bytes."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def packed(data: bytes) -> str:
    """As base64url, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unpacked(text: str) -> bytes:
    """Raise `InvalidKeys`. Browsers leave out the padding, some libraries do not."""
    bare = text.rstrip("=").translate(_STANDARD)
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidKeys("not base64url") from None


_STANDARD: Final = str.maketrans("-_", "+/")
