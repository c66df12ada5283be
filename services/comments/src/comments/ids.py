"""Identifiers that sort by time, so that their index grows at one end."""

import os
import time
from uuid import UUID


def uuid7() -> UUID:
    """A UUID of version 7: 48 bits of Unix milliseconds, then random (RFC 9562, section 5.7)."""
    random = int.from_bytes(os.urandom(10))
    value = (time.time_ns() // 1_000_000 & 0xFFFF_FFFF_FFFF) << 80 | random
    value = value & ~(0xF << 76) | 7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
