"""What a service brings along to be served."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import APIRouter
from starlette.types import ASGIApp

from chassis.shortcut import Shortcut

Loop = Callable[[], Awaitable[None]]
"""Runs until it is cancelled; the process ends if it returns or raises."""
Check = Callable[[], Awaitable[object]]
"""Returns if a dependency answers and raises if it does not."""
Sockets = Callable[..., asyncio.Protocol]
"""Makes uvicorn a WebSocket protocol per upgrade; called with `config`, `server_state` and `app_state`."""


@dataclass(frozen=True)
class Service:
    name: str
    routers: Sequence[APIRouter] = ()
    loops: Sequence[Loop] = ()
    ready: Mapping[str, Check] = field(default_factory=dict)
    """By the dependency's name."""
    details: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    """By the part's name, what it says of itself on `/readyz`, without secrets; no matter of readiness."""
    shortcuts: Sequence[Shortcut] = ()
    """Routes of the routers that are called most."""
    sockets: Sockets | None = None
    drain: Loop | None = None
    """Finish what has begun; called once, before the server stops."""
    mounts: Mapping[str, ASGIApp] = field(default_factory=dict)
    """Further ASGI apps by path, such as static files; asked after the routers."""
