"""The demo page and the JavaScript SDK, as files, and the tokens that the demo's people get."""

import re
import time
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import SecretStr
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.auth import sign
from chassis.problems import Problem
from chassis.service import Service

ROOT = Path(__file__).resolve().parents[3]
WEB, SDK = ROOT / "web", ROOT / "clients/js"

PEOPLE = {"ada": "Ada Lovelace", "grace": "Grace Hopper", "alan": "Alan Turing"}
"""Who the page suggests to be."""

DEMO_ROOMS = {"chat-*": "rw"}
DEMO_SECONDS = 12 * 3600

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; "
        "img-src 'self' data: https:; media-src 'self'; worker-src 'self'; manifest-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


class ElsewhereCalling(Problem):
    """Demo tokens are for the page of this server, opened on this machine."""

    status, code = 403, "elsewhere_calling"


def service(secret: SecretStr | None) -> Service:
    """The page; with a secret, also tokens for whoever asks: only for a server that listens on loopback."""
    return Service(
        name="site",
        routers=[_demo(secret)] if secret is not None else [],
        mounts={
            "/js": _Headers(StaticFiles(directory=SDK)),
            "/": _Headers(StaticFiles(directory=WEB, html=True)),
        },
    )


def _demo(secret: SecretStr) -> APIRouter:
    routes = APIRouter(prefix="/demo", include_in_schema=False)

    @routes.get("/session")
    async def session(
        request: Request, user: Annotated[str, Query(min_length=1, max_length=64)]
    ) -> dict[str, Any]:
        """A token for the demo's rooms. Other origins, and other names for this host, get none."""
        if not _from_here(request):
            raise ElsewhereCalling("open the page at the address that `parley up` printed")
        id_ = re.sub(r"[^a-z0-9]+", "-", user.lower()).strip("-") or "guest"
        name = PEOPLE.get(id_, user.strip())
        token = sign(secret.get_secret_value(), id_, name=name, rooms=DEMO_ROOMS, ttl=DEMO_SECONDS)
        expires = int(time.time()) + DEMO_SECONDS
        return {"token": token, "user": {"id": id_, "name": name}, "expires": expires}

    return routes


def _from_here(request: Request) -> bool:
    """Not through another site, and not through a name that somebody made point at this machine."""
    here = f"{request.url.scheme}://{request.url.netloc}"
    return (
        request.url.hostname in {"127.0.0.1", "localhost", "::1"}
        and request.headers.get("origin", here) == here
        and request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}
    )


class _Headers:
    """ASGI: adds the security headers of the page to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, with_headers)
