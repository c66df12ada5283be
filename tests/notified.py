"""The notifier's HTTP API on a port of its own, over tables that tests fill."""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import httpx
from contract.callers import SECRET, caller
from contract.recording import PATIENCE
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr

from chassis.database import Pool
from chassis.service import Service
from chassis.serving import serve
from notifier import api
from notifier.devices import Devices
from notifier.explain import Explanations
from notifier.model import Platform
from notifier.preferences import PreferencesTable
from notifier.settings import Settings

APNS: dict[str, Any] = {"platform": "apns", "token": "ab" * 32}
FCM: dict[str, Any] = {"platform": "fcm", "token": "cd:efgh"}
PUBLIC_KEY = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"


def base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def point() -> bytes:
    """A browser's public key: 65 bytes."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def subscription(endpoint: str = "https://push.example/send/1", **keys: str) -> dict[str, Any]:
    """Of Web Push, to register."""
    given = {"p256dh": base64url(point()), "auth": base64url(bytes(range(16))), **keys}
    subscribed = {"endpoint": endpoint, "expirationTime": None, "keys": given}
    return {"platform": "webpush", "subscription": subscribed}


def allowed(endpoint: str) -> None:
    if not endpoint.startswith("https://push.example/"):
        raise ValueError("its host is not one of the push services that are allowed")


def settings(**more: Any) -> Settings:
    return Settings(
        port=0, jwt_secret=SecretStr(SECRET), rate_limits="off", drain_seconds=0, push_devices=3,
        push_rooms=3, push_muted_users=3, **more,
    )  # fmt: skip


def service(pool: Pool, app: str, on: Collection[Platform], settings: Settings) -> Service:
    devices = Devices(pool, app, settings.push_devices)
    key = PUBLIC_KEY if "webpush" in on else None
    offer = api.Offer(on, key, allowed, settings.push_muted_users)
    table = PreferencesTable(pool, app, settings.push_rooms)
    routes = api.router(devices, table, Explanations(pool, app, devices, on), offer)
    return Service(name="notifier", routers=[routes])


@asynccontextmanager
async def answering(
    pool: Pool, app: str = "test", on: Collection[Platform] = ("apns", "webpush"), **more: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client that calls as the user `u1`, who may read and write everywhere."""
    chosen = settings(**more)
    stop, listening = asyncio.Event(), asyncio.get_running_loop().create_future()
    served = asyncio.create_task(
        serve(service(pool, app, on, chosen), settings=chosen, started=listening.set_result, stop=stop)
    )
    served.add_done_callback(lambda _: listening.cancel())
    try:
        async with httpx.AsyncClient(base_url=await listening, headers=caller(), timeout=PATIENCE) as client:
            yield client
    finally:
        stop.set()
        await served
