"""Who sends the pushes: the application server's key, and what it signs for each push service (RFC 8292)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from notifier.encryption import packed, point_of
from notifier.endpoints import Origin

LIFE: Final = 12 * 3600
"""Seconds for which a signature is valid; push services refuse more than 24 hours."""
FRESH: Final = 60
"""Seconds."""
MAX_ORIGINS: Final = 1_000
"""Whose signatures are kept: endpoints come from users."""


class InvalidKey(ValueError):
    """Not a private key of P-256 as PEM, without a passphrase."""


@dataclass(frozen=True, slots=True)
class Key:
    private: ec.EllipticCurvePrivateKey

    @classmethod
    def new(cls) -> Self:
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def load(cls, pem: bytes) -> Self:
        """Raise `InvalidKey`."""
        try:
            key = load_pem_private_key(pem, None)
        except (ValueError, TypeError):  # TypeError: it has a passphrase
            raise InvalidKey(InvalidKey.__doc__) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise InvalidKey(InvalidKey.__doc__)
        return cls(key)

    @property
    def pem(self) -> bytes:
        """To keep where nobody else reads it."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def public(self) -> str:
        """What browsers are given as `applicationServerKey`: a point, base64url."""
        return packed(point_of(self.private.public_key()))


@dataclass(frozen=True, slots=True)
class _Signed:
    header: str
    at: float


class Vapid:
    """Signs once for each push service, and again when half of the signature's life is over."""

    def __init__(self, key: Key, contact: str, *, clock: Callable[[], float] = time.time) -> None:
        """`contact` is a mailto or https address. `clock` gives seconds since 1970."""
        self._key, self._contact, self._clock = key, contact, clock
        self._public = key.public
        self._signed: dict[Origin, _Signed] = {}

    def header(self, origin: Origin) -> str:
        """Return the field `Authorization` for a request there."""
        now = self._clock()
        signed = self._signed.get(origin)
        if signed is None or not 0 <= now - signed.at < LIFE / 2:  # a clock can be set back
            signed = self._signed[origin] = self._sign(origin, now)
            self._bound()
        return signed.header

    def forget(self, origin: Origin, header: str) -> None:
        """The push service refused it: the next one is signed anew."""
        if self._has(origin, header):
            del self._signed[origin]

    def is_fresh(self, origin: Origin, header: str) -> bool:
        """Whether it was signed a moment ago: another one would be refused as well."""
        return self._has(origin, header) and self._clock() - self._signed[origin].at < FRESH

    def _has(self, origin: Origin, header: str) -> bool:
        signed = self._signed.get(origin)
        return signed is not None and signed.header == header

    def _sign(self, origin: Origin, now: float) -> _Signed:
        claims = {"aud": str(origin), "exp": int(now) + LIFE, "sub": self._contact}
        token = jwt.encode(claims, self._key.private, "ES256")
        return _Signed(f"vapid t={token}, k={self._public}", now)

    def _bound(self) -> None:
        """The oldest makes room."""
        while len(self._signed) > MAX_ORIGINS:
            del self._signed[next(iter(self._signed))]
