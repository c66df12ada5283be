"""The token by which Apple knows who sends: one for each key, in every connection of the process.

Apple, "Establishing a token-based connection to APNs": a token is valid for an hour, and must not be made
anew more often than every 20 minutes; whoever does is answered 429, TooManyProviderTokenUpdates.
"""

import time
from collections.abc import Callable
from functools import lru_cache

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

LIFETIME = 45 * 60
"""Seconds after which a token is replaced: before the hour is over, whatever the clocks differ by."""
PAUSE = 20 * 60
"""Seconds between two tokens that are made because Apple said that the last one was too old."""
SKEW = 60
"""Seconds by which the clock may be set back before a token counts as one from the future."""


class ProviderToken:
    """A JWT, signed with ES256; the clock gives seconds since 1970."""

    def __init__(
        self, key_pem: str, key_id: str, team_id: str, clock: Callable[[], float] = time.time
    ) -> None:
        """Raises `ValueError` if the key is no private key of P-256, as .p8 files hold."""
        key = load_pem_private_key(key_pem.encode(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("not a private key of P-256")  # noqa: TRY004
        self._key, self._key_id, self._team_id = key, key_id, team_id
        self._clock = clock
        self._token: str | None = None
        self._made = 0.0
        self._refused: float | None = None
        """When a token was last replaced because Apple refused it."""

    def current(self) -> str:
        age = self._clock() - self._made
        if self._token is None or not -SKEW <= age < LIFETIME:
            return self._make()
        return self._token

    def renewed(self, old: str) -> str | None:
        """Another than `old`, which was refused as expired; `None` if there may be none yet."""
        token = self.current()
        if token != old:
            return token
        now = self._clock()
        if self._refused is not None and 0 <= now - self._refused < PAUSE:
            return None
        self._refused = now
        return self._make()

    def _make(self) -> str:
        self._made = self._clock()
        claims = {"iss": self._team_id, "iat": int(self._made)}
        self._token = jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": self._key_id})
        return self._token


@lru_cache(maxsize=16)
def shared(key_pem: str, key_id: str, team_id: str) -> ProviderToken:
    """The one of this process."""
    return ProviderToken(key_pem, key_id, team_id)
