"""A way past the framework for a route that is called thousands of times a second.

The route stays declared in FastAPI, which describes it and serves whoever needs more: cross-origin calls,
bodies of unknown length, traced requests. A request that needs none of that goes straight to the handler.
"""

import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from fastapi import FastAPI
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.auth import Identity, authenticate
from chassis.problems import Problem, Unexpected, respond
from chassis.tracing import tracing

Headers = Mapping[str, str]
"""The headers that the handler asked for, if the request has them; lower-case names."""

Handler = Callable[[Identity, str, Headers, bytes], Awaitable[Response]]
"""Answers for the caller, what the path's group matched, the headers and the body; may raise a `Problem`."""

FRAMEWORK = frozenset({b"origin", b"transfer-encoding", b"expect", b"content-encoding"})
"""A request with one of these needs the framework, and so does one that says something twice."""

log = structlog.get_logger("chassis.shortcut")


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A POST route of the same path and handler as one that a router has."""

    route: str
    """The path as the router spells it, which names it in metrics."""
    path: re.Pattern[str]
    """With one group."""
    headers: frozenset[str]
    handle: Handler


class Shortcuts:
    """ASGI: takes the requests that it can, and hands on the others."""

    def __init__(self, app: FastAPI, shortcuts: Sequence[Shortcut], max_body: int) -> None:
        self._app: ASGIApp = app
        self._state = app.state
        self._shortcuts = shortcuts
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and not tracing():
            for shortcut in self._shortcuts:
                if match := shortcut.path.fullmatch(scope["path"]):
                    headers = self._headers(scope, shortcut.headers)
                    if headers is not None:
                        await self._serve(shortcut, match[1], headers, scope, receive, send)
                        return
        await self._app(scope, receive, send)

    def _headers(self, scope: Scope, wanted: frozenset[str]) -> dict[str, str] | None:
        """The headers, or `None` if the framework has to look at this request."""
        found: dict[str, str] = {}
        for raw, value in scope["headers"]:
            if raw in FRAMEWORK:
                return None
            name = raw.decode("latin-1")
            if name in wanted or name in ("authorization", "content-length"):
                if name in found:
                    return None
                found[name] = value.decode("latin-1")
        length = found.get("content-length", "")
        return found if length.isdecimal() and int(length) <= self._max_body else None

    async def _serve(
        self, shortcut: Shortcut, part: str, headers: Headers, scope: Scope, receive: Receive, send: Send
    ) -> None:
        began = time.perf_counter()
        try:
            client = scope["client"]
            caller = await authenticate(
                self._state, client[0] if client else "", headers.get("authorization")
            )
            response = await shortcut.handle(caller, part, headers, await _body(receive))
        except Problem as problem:
            response = respond(problem)
        except ClientDisconnect:
            return
        except Exception:
            log.exception("request.failed", method="POST", path=scope["path"])
            response = respond(Unexpected())
        await response(scope, receive, send)
        if self._state.duration is not None:
            self._state.duration.record(
                time.perf_counter() - began,
                {
                    "http.request.method": "POST",
                    "http.route": shortcut.route,
                    "http.response.status_code": response.status_code,
                },
            )


async def _body(receive: Receive) -> bytes:
    """Raise `ClientDisconnect` if the rest of it will never come: a part is not what they meant."""
    message = await receive()
    if not message.get("more_body") and message["type"] == "http.request":
        return bytes(message["body"])
    body = bytearray()
    while message["type"] == "http.request":
        body += message["body"]
        if not message.get("more_body"):
            return bytes(body)
        message = await receive()
    raise ClientDisconnect
