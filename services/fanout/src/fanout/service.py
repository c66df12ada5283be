"""The service as it is served: its routes, sockets, loops, and how it ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chassis.auth import Verifier
from chassis.service import Service
from chassis.telemetry import Telemetry
from events import subjects
from events.jetstream import Nats
from fanout import sse_api
from fanout.assembly import assemble
from fanout.connection import context_of
from fanout.door import Door
from fanout.metrics import observe_all, pushed_of
from fanout.settings import Settings
from fanout.sockets import limits_of
from fanout.websocket import websocket_protocol


@asynccontextmanager
async def open_service(
    settings: Settings, nats: Nats, telemetry: Telemetry, verifier: Verifier
) -> AsyncIterator[Service]:
    async with assemble(settings, nats, pushed_of(telemetry)) as parts:
        desk, roster, limits = parts.desk, parts.roster, limits_of(settings)
        observe_all(telemetry, parts)
        stop = await nats.listen(subjects.restored(settings.app_id), lambda *_: desk.hub.check())

        async def drain() -> None:
            await roster.drain(settings.drain_window)
            await desk.acknowledgements.flush()

        routes = sse_api.router(desk, roster, verifier, limits, settings.expiry_warning)
        door = Door(context_of(settings, desk, roster, verifier))
        try:
            yield Service(
                name="fanout",
                routers=[routes],
                loops=[desk.heartbeats.run, desk.acknowledgements.run],
                ready={"nats": nats.ping},
                sockets=websocket_protocol(door.accept, limits),
                drain=drain,
            )
        finally:
            await stop()
