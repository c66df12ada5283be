"""Identifiers that sort by time, so that their index grows at one end."""

import random
import time
from uuid import UUID


def uuid7() -> UUID:
    """A UUID of version 7: 48 bits of Unix milliseconds, then random (RFC 9562, section 5.7).

    Unique, and not a secret: what an id gives access to is decided by rights.
    """
    value = (time.time_ns() // 1_000_000 & 0xFFFF_FFFF_FFFF) << 80 | random.getrandbits(80)
    value = value & ~(0xF << 76) | 7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
