"""Who is calling: the FastAPI dependency, and all that a service needs of tokens."""

import time
from typing import Annotated

from fastapi import Depends
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.datastructures import State
from starlette.requests import HTTPConnection

from chassis.identity import Identity, Right, Rights, matches
from chassis.limits import Limits
from chassis.tokens import InvalidToken, TokenExpired, TokenMissing, Verifier, sign

__all__ = [
    "Caller",
    "Identity",
    "InvalidToken",
    "Right",
    "Rights",
    "TokenExpired",
    "TokenMissing",
    "Verifier",
    "authenticate",
    "bearer",
    "identify",
    "matches",
    "sign",
]


class Bearer(SecurityBase):
    """FastAPI dependency: the caller, within the rate limits; in OpenAPI the `bearer` security scheme.

    Needs `app.state.verifier`, and `app.state.limits` (`None`: no limits), as `chassis.app.create` sets them.
    """

    def __init__(self) -> None:
        self.model = HTTPBearer(bearerFormat="JWT", description="A token signed by the host app.")
        self.scheme_name = "bearer"

    async def __call__(self, request: HTTPConnection) -> Identity:
        address = request.client.host if request.client else ""
        return await authenticate(request.app.state, address, request.headers.get("authorization"))


async def authenticate(state: State, address: str, authorization: str | None) -> Identity:
    """The caller, within the rate limits. Raises `InvalidToken` or `TooManyRequests`."""
    limits: Limits | None = state.limits
    now = time.monotonic()
    if limits is not None:
        limits.address(address, now)
    verifier: Verifier = state.verifier
    token = bearer(authorization)
    caller = verifier.verify_cached(token) or await verifier.verify(token)
    if limits is not None:
        limits.user(caller.user, now)
    return caller


def bearer(authorization: str | None) -> str:
    """The token of an `Authorization` header (RFC 6750, section 2.1). Raises `TokenMissing`."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenMissing("send it as: Authorization: Bearer <token>")
    return token.strip()


identify = Bearer()
Caller = Annotated[Identity, Depends(identify)]
