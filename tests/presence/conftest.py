"""An installation of presence for each test: settings that are over soon, replicas as processes, and HTTP."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager

import httpx
import pytest
from attendance import Holder, Serving, Starting
from contract.callers import SECRET, caller
from contract.recording import PATIENCE
from processes import Process, show
from pydantic import SecretStr
from servers import OwnNats

from chassis import telemetry
from chassis.serving import serve
from events.jetstream import Nats, connect
from presence.service import open_service
from presence.settings import Settings

QUICK = {"heartbeat_seconds": 0.5, "presence_damping": 1.0, "presence_lead_ttl": 2}


@pytest.fixture
def app() -> str:
    """An installation of this test alone: NATS is shared."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def settings(nats_url: str, app: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [name for name in os.environ if name.startswith("PARLEY_")]:
        monkeypatch.delenv(name)
    return Settings(
        app_id=app,
        port=0,
        jwt_secret=SecretStr(SECRET),
        nats_url=nats_url,
        rate_limits="off",
        drain_seconds=0,
        **QUICK,  # type: ignore[arg-type]
    )


@pytest.fixture
async def nats(nats_url: str) -> AsyncIterator[Nats]:
    async with connect(nats_url, name="test") as nats:
        yield nats


@pytest.fixture
async def holder(nats: Nats, app: str) -> Holder:
    leases = nats.leases()
    await leases.ensure_leases()
    return Holder(leases, app)


@pytest.fixture
async def own(own_nats: OwnNats) -> AsyncIterator[Nats]:
    """A connection to the test's own NATS."""
    async with connect(own_nats.url, name="test") as nats:
        yield nats


@pytest.fixture
async def serving() -> Serving:
    """The service on a port of its own, and a client that calls it as the user `u1`."""

    @asynccontextmanager
    async def run(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
        metrics, stop = telemetry.start("presence", {}), asyncio.Event()
        listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        async with (
            connect(settings.nats_url, name="presence") as nats,
            open_service(settings, nats, metrics) as service,
        ):
            server = serve(
                service, settings=settings, telemetry=metrics, started=listening.set_result, stop=stop
            )
            served = asyncio.create_task(server)
            served.add_done_callback(lambda _: listening.cancel())
            url = await listening
            async with httpx.AsyncClient(base_url=url, headers=caller(), timeout=PATIENCE) as client:
                yield client
            stop.set()
            await served
        metrics.close()

    return run


@pytest.fixture
def starting(app: str) -> Iterator[Starting]:
    """Starts replicas of presence as processes; they end with the test."""
    with ExitStack() as stack:

        def start(nats_url: str) -> Process:
            told = {f"PARLEY_{name.upper()}": str(value) for name, value in QUICK.items()}
            process = Process(
                "presence",
                {**told, "PARLEY_NATS_URL": nats_url, "PARLEY_APP_ID": app, "PARLEY_JWT_SECRET": SECRET},
            )
            stack.callback(show, process)
            stack.callback(lambda: None if process.ended else process.stop())
            process.ready()
            return process

        yield start
