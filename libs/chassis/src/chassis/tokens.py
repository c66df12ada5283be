"""Bearer tokens: JWTs that the host app signs and every service verifies.

Which key verifies a token follows from the configuration. HS256 is only ever checked with the shared
secret, the asymmetric algorithms only with a published key of their own type, anything else (`none` too)
never: a token cannot talk its way into the wrong key.
"""

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Self

from jwt import PyJWS
from jwt.exceptions import PyJWTError

from chassis.identity import BadClaims, Identity, identity, object_of, seconds
from chassis.jwks import FAMILIES, Jwks
from chassis.problems import Problem
from chassis.settings import Settings

MAX_TOKEN = 16 * 1024
"""Characters: 256 room patterns of 40 fit."""
MAX_CACHED = 50_000
"""Verified tokens kept, about 1 KB each: one per user who is active."""

_jws = PyJWS(options={"enforce_minimum_key_length": True})


class InvalidToken(Problem):
    """The token is not valid."""

    status, code = 401, "token_invalid"

    def __init__(self, detail: str = "") -> None:
        description = (detail or self.title()).replace('"', "'")
        challenge = f'Bearer error="invalid_token", error_description="{description}"'
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class TokenExpired(InvalidToken):
    """The token has expired."""

    code = "token_expired"


class TokenMissing(InvalidToken):
    """The request carries no token."""

    code = "token_missing"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.headers = {"WWW-Authenticate": "Bearer"}


class Verifier:
    """Turns tokens into identities; a token that was verified before costs a look-up."""

    def __init__(
        self,
        *,
        secret: str | None = None,
        jwks: Jwks | None = None,
        audience: str | None = None,
        issuer: str | None = None,
        leeway: float = 5,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if secret is None and jwks is None:
            raise ValueError("no key to verify tokens with: set PARLEY_JWT_SECRET or PARLEY_JWKS_URL")
        self._secret = secret.encode() if secret is not None else None
        self._jwks = jwks
        self._audience, self._issuer, self._leeway = audience, issuer, leeway
        self._clock = clock
        self._verified: OrderedDict[bytes, Identity] = OrderedDict()
        self._version = 0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            secret=settings.jwt_secret.get_secret_value() if settings.jwt_secret else None,
            jwks=Jwks(settings.jwks_url) if settings.jwks_url else None,
            audience=settings.jwt_audience,
            issuer=settings.jwt_issuer,
            leeway=settings.jwt_leeway,
        )

    def verify_cached(self, token: str) -> Identity | None:
        """The identity if this very token was verified before; `None` says to `verify` it.

        Raises `TokenExpired`.
        """
        self._follow()
        digest = _digest(token)
        known = self._verified.get(digest)
        if known is None:
            return None
        self._verified.move_to_end(digest)
        return self._unexpired(known)

    async def verify(self, token: str) -> Identity:
        """Raises `InvalidToken`, whose detail never contains the token."""
        known = self.verify_cached(token)
        if known is not None:
            return known
        verified = self._unexpired(self._read(await self._payload(token)))
        self._follow()
        self._verified[_digest(token)] = verified
        if len(self._verified) > MAX_CACHED:
            self._verified.popitem(last=False)
        return verified

    async def close(self) -> None:
        if self._jwks is not None:
            await self._jwks.close()

    def _follow(self) -> None:
        """Forget what withdrawn keys have verified."""
        if self._jwks is None:
            return
        self._jwks.freshen()
        if self._jwks.version != self._version:
            self._verified.clear()
            self._version = self._jwks.version

    async def _payload(self, token: str) -> bytes:
        if len(token) > MAX_TOKEN or not token.isascii():
            raise InvalidToken("it is not a signed token")
        try:
            header = _jws.get_unverified_header(token)
            alg = str(header.get("alg"))
            key = await self._key(alg, header.get("kid"))
            payload: bytes = _jws.decode(token, key, algorithms=[alg])
        except PyJWTError as error:
            raise InvalidToken("it is not a signed token, or its signature does not fit") from error
        return payload

    async def _key(self, alg: str, kid: str | None) -> Any:
        if alg == "HS256" and self._secret is not None:
            return self._secret
        if alg in FAMILIES and self._jwks is not None:
            if (key := await self._jwks.find(kid, alg)) is not None:
                return key.public
            raise InvalidToken("it is signed with a key that is not known")
        raise InvalidToken("it is signed with an algorithm that is not accepted")

    def _read(self, payload: bytes) -> Identity:
        try:
            claims = object_of(payload)
            self._accept(claims)
            return identity(claims)
        except BadClaims as error:
            raise InvalidToken(str(error)) from error

    def _accept(self, claims: Mapping[str, Any]) -> None:
        """Raise `BadClaims` if it is meant for later, for others, or from others (RFC 7519, section 4.1)."""
        if "nbf" in claims and seconds(claims, "nbf") > self._clock() + self._leeway:
            raise BadClaims("nbf: it is not valid yet")
        if self._issuer is not None and claims.get("iss") != self._issuer:
            raise BadClaims("iss does not name the issuer that is expected here")
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else (audience,)
        if self._audience is not None and self._audience not in named:
            raise BadClaims("aud does not name this service")

    def _unexpired(self, known: Identity) -> Identity:
        if known.expires + self._leeway <= self._clock():
            raise TokenExpired("get a new one and try again")
        return known


def _digest(token: str) -> bytes:
    """Tokens themselves are not kept: a memory dump should not hold thousands of them."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def sign(
    secret: str,
    user: str,
    *,
    name: str | None = None,
    avatar: str | None = None,
    rooms: Mapping[str, str] | None = None,
    ttl: float = 3600,
    now: float | None = None,
) -> str:
    """An HS256 token valid for `ttl` seconds. Raises `ValueError` for what `Verifier` would refuse."""
    expires = int((time.time() if now is None else now) + ttl)
    optional = {"name": name, "avatar": avatar}
    claims = {"sub": user, "exp": expires, "rooms": dict(rooms or {})}
    claims |= {claim: value for claim, value in optional.items() if value is not None}
    identity(claims)
    return _jws.encode(json.dumps(claims).encode(), secret.encode(), "HS256")
