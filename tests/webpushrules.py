"""What a push service demands of a request: RFC 8030, 8188 and 8292."""

import json
import re
import time
from collections.abc import Mapping

from browsers import MAX_BODY, decoded
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

URGENCIES = {"very-low", "low", "normal", "high"}
DAY = 24 * 3600


class Refused(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


def check_fields(fields: Mapping[str, str], body: bytes) -> None:
    """Raise `Refused`."""
    if not re.fullmatch(r"\d{1,10}", fields.get("ttl", "")):
        raise Refused(400, "no TTL")
    if fields.get("urgency", "normal") not in URGENCIES:
        raise Refused(400, "no urgency")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", fields.get("topic", "x")):
        raise Refused(400, "no topic")
    if fields.get("content-encoding") != "aes128gcm":
        raise Refused(415, "not aes128gcm")
    if len(body) > MAX_BODY:
        raise Refused(413, f"{len(body)} bytes")
    if len(body) < 16 + 5 + 65 + 17:
        raise Refused(400, "not encrypted")


def check_sender(authorization: str | None, origin: str, now: float | None = None) -> str:
    """Return the sender's public key, base64url. Raise `Refused`.

    `origin` is serialized as RFC 6454 has it: the port is named unless it is the scheme's own.
    """
    if authorization is None:
        raise Refused(401, "no credentials")
    match = re.fullmatch(r"vapid t=([\w-]+)\.([\w-]+)\.([\w-]+), ?k=([\w-]{87})", authorization)
    if match is None:
        raise Refused(401, "not vapid")
    head, claims, signature, key = match.groups()
    if json.loads(decoded(head)) != {"typ": "JWT", "alg": "ES256"}:
        raise Refused(401, "not ES256")
    _verify(key, f"{head}.{claims}".encode(), decoded(signature))
    _check_claims(json.loads(decoded(claims)), origin, time.time() if now is None else now)
    return key


def _verify(key: str, signed: bytes, signature: bytes) -> None:
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(key))
    numbers = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    try:
        public.verify(encode_dss_signature(*numbers), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Refused(403, "signed with another key") from None


def _check_claims(claims: Mapping[str, object], origin: str, now: float) -> None:
    if claims.get("aud") != origin:
        raise Refused(403, f"for {claims.get('aud')!r}, not {origin!r}")
    expires = claims.get("exp")
    if not isinstance(expires, int) or not now < expires <= now + DAY:
        raise Refused(403, "expired, or valid for too long")
    if not str(claims.get("sub", "")).startswith(("mailto:", "https://")):
        raise Refused(403, "nobody to contact")
