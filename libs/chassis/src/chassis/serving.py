"""Run services on one port, as one: if any part ends, all of it ends."""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Generator, Sequence
from types import FrameType
from typing import Any

import structlog
import uvicorn

from chassis import app as web
from chassis.http import Patience, http_protocol
from chassis.listening import BACKLOG, PortTaken, address, bind
from chassis.loops import files, new_loop, run
from chassis.service import Loop, Service, Sockets
from chassis.settings import Settings
from chassis.shortcut import Shortcuts
from chassis.telemetry import Telemetry
from chassis.tokens import Verifier

__all__ = ["LoopEnded", "PortTaken", "Service", "Sockets", "new_loop", "run", "serve"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)

log = structlog.get_logger("chassis.serving")


class LoopEnded(RuntimeError):
    """A loop that runs for as long as the process has returned."""


async def serve(
    *services: Service,
    settings: Settings,
    telemetry: Telemetry | None = None,
    verifier: Verifier | None = None,
    started: Callable[[str], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or `stop`, or until a loop ends; then drain, stop, and raise what ended it.

    `started` is called with the URL once the port listens. Without `verifier`, one is made of the settings if
    they name a key. Raises `PortTaken`.
    """
    async with contextlib.AsyncExitStack() as opened:
        if verifier is None and (settings.jwt_secret or settings.jwks_url):
            verifier = Verifier.of(settings)
            opened.push_async_callback(verifier.close)
        state = web.State(services)
        app = web.create(services, settings, state=state, telemetry=telemetry, verifier=verifier)
        shortcuts = [shortcut for service in services for shortcut in service.shortcuts]
        front = Shortcuts(app, shortcuts, settings.max_body) if shortcuts else app
        server = Server(_config(front, services, settings), started)
        listener = await bind(settings.host, settings.port)
        tasks = [asyncio.create_task(server.serve([listener]), name="server")]
        tasks += [_task(service, loop) for service in services for loop in service.loops]
        opened.push_async_callback(_abandon, server, tasks)
        stop = stop or asyncio.Event()
        with _signals(stop, server):
            await _first(stop, tasks)
            await _drain(services, state, server, settings.drain_seconds)
            await _finish(tasks)


class Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to `serve` and says when it listens."""

    def __init__(self, config: uvicorn.Config, started: Callable[[str], None] | None) -> None:
        super().__init__(config)
        self._on_started = started
        self.hurried = asyncio.Event()

    def hurry(self) -> None:
        """Wait neither for drains nor for connections."""
        self.should_exit = self.force_exit = True
        self.hurried.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        assert sockets
        url = address(sockets[0])
        log.info("serving", url=url)
        if self._on_started is not None:
            self._on_started(url)


def _config(app: Any, services: Sequence[Service], settings: Settings) -> uvicorn.Config:
    sockets = [service.sockets for service in services if service.sockets is not None]
    if len(sockets) > 1:
        raise ValueError("only one service of a process can accept WebSockets")
    return uvicorn.Config(
        app,
        http=http_protocol(_patience(settings)),
        ws=sockets[0] if sockets else "none",  # type: ignore[arg-type]  # a factory serves as well as a class
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        backlog=BACKLOG,
        timeout_graceful_shutdown=max(1, round(settings.drain_seconds)),
    )


def _patience(settings: Settings) -> Patience:
    return Patience(
        head=settings.head_seconds,
        body=settings.body_seconds,
        stall=settings.stall_seconds,
        connections=min(settings.http_waiting, files() // 4),
    )


def _task(service: Service, loop: Loop) -> asyncio.Task[None]:
    name = f"{service.name}.{getattr(loop, '__name__', 'loop')}"

    async def live() -> None:
        await loop()
        raise LoopEnded(f"{name} has ended")

    return asyncio.create_task(live(), name=name)


async def _first(stop: asyncio.Event, tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for whatever comes first: the wish to stop, or the end of a part."""
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()


async def _drain(services: Sequence[Service], state: web.State, server: Server, seconds: float) -> None:
    """Stop being ready, let the services finish, stop the server."""
    state.draining = True
    log.info("draining")
    drains = [
        asyncio.create_task(_call(service.drain), name=service.name) for service in services if service.drain
    ]
    hurried = asyncio.create_task(server.hurried.wait())
    drained = asyncio.create_task(_settle(drains))
    await asyncio.wait([hurried, drained], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    hurried.cancel()
    for drain in drains:
        if drain.cancel():
            log.warning("drain.cut_short", service=drain.get_name())
    await drained
    server.should_exit = True


async def _settle(drains: Sequence[asyncio.Task[None]]) -> None:
    for outcome in await asyncio.gather(*drains, return_exceptions=True):
        if isinstance(outcome, Exception):
            log.error("drain.failed", exc_info=outcome)


async def _call(function: Callable[[], Awaitable[None]]) -> None:
    await function()


async def _finish(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for the server, stop the loops, raise the first error."""
    server, *loops = tasks
    await asyncio.wait([server])
    for loop in loops:
        loop.cancel()
    errors = [
        outcome
        for outcome in await asyncio.gather(*tasks, return_exceptions=True)
        if isinstance(outcome, Exception)
    ]
    for error in errors[1:]:
        log.error("loop.failed_too", exc_info=error)
    if errors:
        raise errors[0]
    log.info("stopped")


async def _abandon(server: Server, tasks: Sequence[asyncio.Task[None]]) -> None:
    """End what still runs because `serve` itself was cancelled: there is no time to drain."""
    server.should_exit = server.force_exit = True
    for loop in tasks[1:]:
        loop.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for listening in getattr(server, "servers", ()):  # uvicorn leaves them open if its own task was cancelled
        listening.close()


@contextlib.contextmanager
def _signals(stop: asyncio.Event, server: Server) -> Generator[None, None, None]:
    """The first signal asks to stop, the second one not to wait for anything."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()

    def ask() -> None:
        if stop.is_set():
            server.hurry()
        stop.set()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(ask)

    before = {number: signal.signal(number, on_signal) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
