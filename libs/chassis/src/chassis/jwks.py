"""The public keys that the host app publishes as a JSON Web Key Set (RFC 7517).

Fetched without blocking, kept through an outage, and asked for again when they are old or a token names an
unknown key; however many tokens do, there is one request at a time and at most one per `AGAIN` seconds.
"""

import asyncio
import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import httpx
import structlog
from jwt import PyJWK
from jwt.exceptions import PyJWTError

FAMILIES = {
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""The key type and curve that each accepted `alg` takes (RFC 7518, 8037); HS keys are never published."""
AGAIN = 30
"""Seconds between two requests, so that made-up key ids cannot make us hammer the host app."""
MAX_AGE = 600
"""Seconds after which the keys are fetched again: a withdrawn key is refused by then."""
TIMEOUT = 5
"""Seconds for one request."""
MAX_BYTES = 256 * 1024
MAX_KEYS = 100

log = structlog.get_logger("chassis.jwks")


@dataclass(frozen=True, slots=True)
class Key:
    kid: str | None
    alg: str | None
    """The only `alg` it may be used with, if the set says so."""
    family: tuple[str, str | None]
    public: Any
    """The key as `cryptography` has it."""

    def fits(self, alg: str) -> bool:
        return FAMILIES.get(alg) == self.family and self.alg in (None, alg)


def parse(document: bytes) -> tuple[Key, ...]:
    """Raise `ValueError` if this is no key set; leave out keys that cannot verify a token."""
    try:
        published = json.loads(document)["keys"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ValueError("not a JSON Web Key Set") from error
    if not isinstance(published, list):
        raise ValueError("not a JSON Web Key Set")  # noqa: TRY004  it is the value of a document
    return tuple(filter(None, map(_key, published[:MAX_KEYS])))


def _key(jwk: Any) -> Key | None:
    if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig" or "d" in jwk:
        return None
    kid, alg = jwk.get("kid"), jwk.get("alg")
    family = (jwk.get("kty"), None if jwk.get("kty") == "RSA" else jwk.get("crv"))
    algs = [known for known, its_family in FAMILIES.items() if its_family == family and alg in (None, known)]
    if not algs or not isinstance(kid, str | None):
        return None
    try:
        return Key(kid, alg, FAMILIES[algs[0]], PyJWK(jwk, algs[0]).key)
    except PyJWTError as error:
        log.warning("jwks.key_ignored", kid=kid, reason=type(error).__name__)
        return None


def choose(keys: Iterable[Key], kid: str | None, alg: str) -> Key | None:
    """The one key that a token's header can mean: a token without `kid` must leave no doubt."""
    fitting = [key for key in keys if (kid is None or key.kid == kid) and key.fits(alg)]
    return fitting[0] if len(fitting) == 1 else None


class Jwks:
    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.url = url
        self.keys: tuple[Key, ...] = ()
        self.version = 0
        """Changes whenever the keys do: what an old set has verified is then void."""
        self._clock = clock
        self._asked = self._fetched = -math.inf
        self._fetching: asyncio.Task[None] | None = None
        self._http = httpx.AsyncClient(timeout=TIMEOUT, headers={"accept": "application/json"})

    async def find(self, kid: str | None, alg: str) -> Key | None:
        """Ask for the keys again, if that is due, before answering that there is none."""
        self.freshen()
        key = choose(self.keys, kid, alg)
        if key is None and (fetching := self._fetch()):
            await asyncio.shield(fetching)
            key = choose(self.keys, kid, alg)
        return key

    def freshen(self) -> None:
        """Start fetching if the keys are old; those at hand stay good meanwhile."""
        if self._clock() - self._fetched > MAX_AGE:
            self._fetch()

    async def close(self) -> None:
        if self._fetching:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)
        await self._http.aclose()

    def _fetch(self) -> asyncio.Task[None] | None:
        """The request under way, or a new one; `None` if it is too early for one."""
        if self._fetching and not self._fetching.done():
            return self._fetching
        if self._clock() - self._asked < AGAIN:
            return None
        self._asked = self._clock()
        self._fetching = asyncio.create_task(self._replace())
        return self._fetching

    async def _replace(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT):
                keys = parse(await self._download())
        except (httpx.HTTPError, ValueError, TimeoutError) as error:
            log.warning("jwks.unavailable", url=self.url, reason=str(error) or type(error).__name__)
            return
        self._fetched = self._clock()
        if keys != self.keys:
            self.version += 1
            self.keys = keys
            log.info("jwks.replaced", keys=len(keys))

    async def _download(self) -> bytes:
        async with self._http.stream("GET", self.url) as response:
            response.raise_for_status()
            document = b""
            async for chunk in response.aiter_bytes():
                document += chunk
                if len(document) > MAX_BYTES:
                    raise ValueError(f"more than {MAX_BYTES} bytes")
            return document
