"""Where the laboratory's clients get their tokens: a machine of its own, whose clock may be wrong."""

import time

import jwt

TTL = 3_600.0
"""Seconds for which a token is valid."""


class Tokens:
    """Signs a new token each time it is asked, by its own clock."""

    def __init__(self, secret: str, *, skew: float = 0.0) -> None:
        self.skew = skew
        """Seconds by which the clock is wrong: behind by more than `TTL`, every token has expired;
        ahead, none is valid yet."""
        self._secret = secret

    def sign(self, user: str) -> str:
        now = time.time() + self.skew
        claims = {"sub": user, "nbf": int(now), "exp": int(now + TTL), "rooms": {"*": "rw"}}
        return jwt.encode(claims, self._secret, "HS256")
