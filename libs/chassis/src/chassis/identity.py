"""Who is calling and what they may do, from a token's claims: no key, clock or network.

Rights are letters: `r` read, `w` write, `m` moderate. `m` implies the other two. A room pattern is a room id
in which `*` stands for any run of characters, also none; nothing else is special.
"""

import json
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

Right = Literal["r", "w", "m"]

MAX_PATTERNS = 256
"""Entries in one token's `rooms`; each is tried for each request."""
MAX_USER, MAX_NAME, MAX_AVATAR = 128, 200, 2000
"""Characters."""
LAST_SECOND = 253_402_300_799
"""The end of the year 9999, the last that a `datetime` can say."""
PATTERN = re.compile(r"[A-Za-z0-9_\-=@,.;*]{1,164}")


class BadClaims(ValueError):
    """The token is signed, but does not say what a token has to say."""


@dataclass(frozen=True, slots=True)
class Rights:
    grants: tuple[tuple[str, frozenset[str]], ...] = ()
    """Pattern and letters, in the token's order."""

    def allow(self, right: Right, room: str) -> bool:
        return any(right in letters and matches(pattern, room) for pattern, letters in self.grants)


@dataclass(frozen=True, slots=True)
class Identity:
    user: str
    name: str | None
    avatar: str | None
    expires: float
    """Seconds since 1970, as the token says: the clock skew is not yet added."""
    rights: Rights

    def may(self, right: Right, room: str) -> bool:
        return self.rights.allow(right, room)


def matches(pattern: str, room: str) -> bool:
    """Takes time in proportion to the two lengths, whatever the pattern: no backtracking."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == room
    *inner, last = rest
    if len(room) < len(first) + len(last) or not (room.startswith(first) and room.endswith(last)):
        return False
    at, end = len(first), len(room) - len(last)
    for part in inner:
        found = room.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def grants(rooms: object) -> Rights:
    """Raise `BadClaims` unless `rooms` maps room patterns to rights."""
    if not isinstance(rooms, Mapping) or len(rooms) > MAX_PATTERNS:
        raise BadClaims(f"rooms must map at most {MAX_PATTERNS} room patterns to rights")
    return Rights(tuple((_pattern(pattern), _letters(letters)) for pattern, letters in rooms.items()))


def _pattern(pattern: object) -> str:
    if not isinstance(pattern, str) or not PATTERN.fullmatch(pattern):
        raise BadClaims("rooms has a key that is not a room pattern")
    return pattern


def _letters(letters: object) -> frozenset[str]:
    if not isinstance(letters, str) or not letters or set(letters) - set("rwm"):
        raise BadClaims('rooms has rights that are not made of "r", "w" and "m"')
    return frozenset("rwm" if "m" in letters else letters)


def object_of(payload: bytes) -> dict[str, Any]:
    """Raise `BadClaims` unless a token's payload is a JSON object."""
    try:
        claims = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise BadClaims("its claims are not JSON") from error
    if not isinstance(claims, dict):
        raise BadClaims("its claims are not an object")
    return claims


def identity(claims: Mapping[str, Any]) -> Identity:
    """Raise `BadClaims` naming the first claim that is missing or not valid."""
    return Identity(
        user=_user(claims.get("sub")),
        name=_name(claims.get("name")),
        avatar=_avatar(claims.get("avatar")),
        expires=seconds(claims, "exp"),
        rights=grants(claims.get("rooms", {})),
    )


def seconds(claims: Mapping[str, Any], claim: str) -> float:
    """A NumericDate (RFC 7519, section 2). Raise `BadClaims` if it is absent, or not one."""
    value = claims.get(claim)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LAST_SECOND:
        raise BadClaims(f"{claim} must be a number of seconds since 1970")
    assert math.isfinite(value)
    return float(value)


def _user(user: object) -> str:
    if not isinstance(user, str) or not 1 <= len(user) <= MAX_USER or not user.isprintable():
        raise BadClaims(f"sub must be 1 to {MAX_USER} printable characters")
    return user


def _name(name: object) -> str | None:
    if name is None:
        return None
    if not isinstance(name, str) or len(name) > MAX_NAME or _has_controls(name):
        raise BadClaims(f"name must be at most {MAX_NAME} characters without control characters")
    return name


def _has_controls(text: str) -> bool:
    """Joiners inside emoji are format characters (Cf), so `isprintable` would refuse real names."""
    return any(unicodedata.category(character) in ("Cc", "Cs") for character in text)


def _avatar(avatar: object) -> str | None:
    if avatar is None:
        return None
    if not isinstance(avatar, str) or len(avatar) > MAX_AVATAR or not _is_web_address(avatar):
        raise BadClaims(f"avatar must be an http or https address of at most {MAX_AVATAR} characters")
    return avatar


def _is_web_address(url: str) -> bool:
    if not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
