"""Who comes to the port of the WebSockets: the path says which protocol is spoken."""

import itertools
import secrets
from urllib.parse import parse_qs

from fanout.connection import Connection, Context
from fanout.receiving import DEVICE
from fanout.upgrade import Refusal, Upgrade, refuse

NATIVE = "/v1/ws"
"""Path of the native protocol."""

QUERY_FIELDS = 200
"""A query of more is not looked at: reading tens of thousands would hold up the loop, for anybody."""


class Door:
    """Lets upgrades in, or says why not."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    def accept(self, upgrade: Upgrade) -> Connection | Refusal:
        if upgrade.path != NATIVE:
            return refuse(404, "not_found", "No WebSocket is served at this path.")
        if self._context.roster.draining:
            return refuse(503, "draining", "This server is about to stop.", retry_after="1")
        if self._context.roster.full:
            return refuse(503, "too_many_connections", "This server has no room for more.", retry_after="5")
        device = asked(upgrade.query, "device")
        if device is not None and not DEVICE.fullmatch(device):
            return refuse(400, "invalid_request", "device must be 1 to 64 printable ASCII characters.")
        token = token_of(upgrade.query, upgrade.headers.get("authorization"))
        return Connection(f"c{self._prefix}{next(self._numbers)}", self._context, token, device)


def token_of(query: str, authorization: str | None) -> str | None:
    """The token that an upgrade request brings, in the header or by `?token=`; never logged."""
    scheme, _, header = (authorization or "").partition(" ")
    if scheme.lower() == "bearer" and header.strip():
        return header.strip()
    return asked(query, "token")


def asked(query: str, field: str) -> str | None:
    """A field of a query."""
    try:
        found = parse_qs(query, max_num_fields=QUERY_FIELDS).get(field)
    except ValueError:
        return None
    return found[0] if found else None
