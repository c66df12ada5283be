"""Fields of what clients send: nothing that a push service or the database could not take. Pure."""

import re
import zoneinfo
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from functools import cache
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, StringConstraints

from chassis.identity import MAX_USER
from events import ROOM

FOREVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""The end of a mute that has none: the last second that every client's calendar can say."""

RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9:]{8}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})")


def _written_out(value: object) -> object:
    """Not a number, which pydantic would take for seconds since 1970."""
    if not isinstance(value, str) or not RFC3339.fullmatch(value):
        raise ValueError("must be a time with its zone, such as 2026-11-23T12:00:00Z (RFC 3339)")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return min(value.astimezone(UTC), FOREVER)
    except OverflowError as error:
        raise ValueError("is out of range") from error


def printable(value: str) -> str:
    """Raise `ValueError` for control characters, NUL among them, and halves of a surrogate pair."""
    if not value.isprintable():
        raise ValueError("must be printable")
    return value


@cache
def zones() -> frozenset[str]:
    """Of the IANA data base; `localtime` is this machine's own, and none of it."""
    return frozenset(zoneinfo.available_timezones() - {"localtime"})


def _zone(value: str) -> str:
    if value not in zones():
        raise ValueError("must be a time zone of the IANA data base, such as Europe/Vienna")
    return value


def _point(value: str) -> str:
    """A point that is not on the curve is an attack on whoever computes with it."""
    try:
        raw = _bytes(value, 65)
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), raw)
    except ValueError as error:
        raise ValueError("must be an uncompressed point of P-256, as base64url") from error
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _secret(value: str) -> str:
    try:
        raw = _bytes(value, 16)
    except ValueError as error:
        raise ValueError("must be 16 bytes, as base64url") from error
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(value: str, length: int) -> bytes:
    """Of base64url, with or without padding. Raise `ValueError`."""
    bare = value.rstrip("=")
    raw = urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    if len(raw) != length:
        raise ValueError(f"{len(raw)} bytes")
    return raw


Time = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]
Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_zone)]
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
UserId = Annotated[str, StringConstraints(min_length=1, max_length=MAX_USER), AfterValidator(printable)]
RoomId = Annotated[str, StringConstraints(pattern=ROOM)]
Base64Url = StringConstraints(pattern="^[A-Za-z0-9_-]+={0,2}$", max_length=100)
Point = Annotated[str, Base64Url, AfterValidator(_point)]
Secret = Annotated[str, Base64Url, AfterValidator(_secret)]
