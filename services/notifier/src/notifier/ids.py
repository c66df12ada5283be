"""Names that are derived: whoever derives them again, after a crash too, gets the same. Pure."""

import base64
import hashlib
from uuid import UUID, uuid5

_PUSHES = UUID("6f0c1c1e-5d0b-4b8e-9a53-2f6d8c0a7e41")
"""The name space of pushes, of this project's own choice (RFC 9562, section 6.6)."""

_TAG_BYTES = 24
"""Of a hash: 32 characters of base64url, the most for a Topic of Web Push (RFC 8030, section 5.4)."""


def push_id(event: UUID, device: str, kind: str) -> UUID:
    """The same in every attempt."""
    return uuid5(_PUSHES, f"{kind}/{event}/{device}")


def tag(app: str, user: str, room: str) -> str:
    """Of the notification about a room on all devices of a person; says neither who nor where."""
    digest = hashlib.sha256("\0".join((app, user, room)).encode()).digest()
    return base64.urlsafe_b64encode(digest[:_TAG_BYTES]).decode()
