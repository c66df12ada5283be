"""`python -m notifier`: the notifier as a process of its own."""

import os

from chassis import telemetry
from chassis.auth import Verifier
from chassis.launching import launch
from chassis.serving import serve
from events.jetstream import connect
from notifier.service import open_service
from notifier.settings import Settings


async def main(settings: Settings) -> None:
    verifier = Verifier.of(settings)
    metrics = telemetry.start("notifier", os.environ)
    try:
        async with (
            connect(
                settings.nats_url, **settings.nats_login(), name="notifier", patience=settings.start_patience
            ) as nats,
            open_service(settings, nats, metrics) as service,
        ):
            await serve(service, settings=settings, telemetry=metrics, verifier=verifier)
    finally:
        await verifier.close()
        metrics.close()


if __name__ == "__main__":
    launch(Settings, main)
