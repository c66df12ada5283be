"""Real keys, real ports, and services that really run."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from chassis.serving import Service, serve
from chassis.settings import Settings

SECRET = "a secret of at least 32 bytes for HS256"


@pytest.fixture
def secret() -> str:
    return SECRET


@pytest.fixture
def port() -> int:
    """Below 32768, where no outgoing connection can take it."""
    while True:
        candidate = random.randrange(20_000, 32_768)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return candidate


@pytest.fixture
def settings(port: int, secret: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("PARLEY_JWT_SECRET", raising=False)
    return Settings(port=port, jwt_secret=SecretStr(secret), drain_seconds=2)


Running = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def running(settings: Settings) -> Running:
    """Serve in this loop; the client speaks to the port. At the end, stop, and raise what `serve` raised."""

    @asynccontextmanager
    async def run(*services: Service, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
        listening, stop = asyncio.get_running_loop().create_future(), asyncio.Event()
        chosen = options.pop("settings", settings)
        served = asyncio.create_task(
            serve(*services, settings=chosen, started=listening.set_result, stop=stop, **options)
        )
        await asyncio.wait([listening, served], return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            await served
        try:
            async with httpx.AsyncClient(base_url=await listening) as client:
                yield client
        finally:
            stop.set()
            await served

    return run
