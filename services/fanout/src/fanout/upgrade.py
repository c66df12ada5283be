"""The opening handshake (RFC 6455, section 4.2) as bytes: no socket."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import unquote

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_BYTES = 16
_VERSION = "13"


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A client's wish for a WebSocket."""

    path: str
    """Percent-decoded."""
    query: str
    """As sent, without the question mark."""
    headers: Mapping[str, str]
    """Lower-case names; a repeated header's values are joined by a comma."""
    peer: str
    """The other end's `host:port`, empty on a Unix socket."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP answer instead of a WebSocket; the connection is closed after it."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def refuse(status: int, code: str, title: str, **headers: str) -> Refusal:
    """Make a refusal with a problem-details body (RFC 9457); header names take `_` for `-`."""
    problem = {"type": f"/problems/{code}", "title": title, "status": status, "code": code}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refusal(status, json.dumps(problem).encode(), {"content-type": "application/problem+json"} | named)


def read(request: bytes, peer: str) -> Upgrade:
    """Read an HTTP request's head; the server in front has checked its syntax."""
    line, *fields = request.decode("latin-1").split("\r\n\r\n", 1)[0].split("\r\n")
    path, _, query = line.split(" ")[1].partition("?")
    headers: dict[str, str] = {}
    for each in fields:
        name, _, value = each.partition(":")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Upgrade(unquote(path), query, headers, peer)


def fault(request: bytes, upgrade: Upgrade) -> Refusal | None:
    """Why the handshake cannot be completed, whatever is asked for."""
    if not request.startswith(b"GET "):
        return refuse(
            HTTPStatus.METHOD_NOT_ALLOWED, "method", "A WebSocket is asked for by GET.", allow="GET"
        )
    if upgrade.headers.get("sec-websocket-version") != _VERSION:
        return refuse(
            HTTPStatus.UPGRADE_REQUIRED,
            "websocket_version",
            "Only version 13 of the WebSocket protocol is spoken here.",
            sec_websocket_version=_VERSION,
            upgrade="websocket",
        )
    if not _is_key(upgrade.headers.get("sec-websocket-key", "")):
        return refuse(HTTPStatus.BAD_REQUEST, "websocket_key", "Sec-WebSocket-Key is not 16 bytes in base64.")
    return None


def switching(upgrade: Upgrade) -> bytes:
    """The 101 answer: no extension and no subprotocol is chosen."""
    key = upgrade.headers["sec-websocket-key"].encode()
    accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def answer(refusal: Refusal) -> bytes:
    length = str(len(refusal.body))
    headers = dict(refusal.headers) | {"content-length": length, "connection": "close"}
    if refusal.status == HTTPStatus.UPGRADE_REQUIRED:
        headers["connection"] = "upgrade, close"  # RFC 9110, section 7.8: Upgrade is named in Connection
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    phrase = HTTPStatus(refusal.status).phrase
    return f"HTTP/1.1 {refusal.status} {phrase}\r\n{lines}\r\n".encode("latin-1") + refusal.body


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False
