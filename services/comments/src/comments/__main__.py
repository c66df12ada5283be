"""`python -m comments`: the comments service as a process of its own."""

import os

from chassis import telemetry
from chassis.auth import Verifier
from chassis.launching import launch
from chassis.serving import serve
from comments.service import open_service
from comments.settings import Settings
from events.jetstream import connect


async def main(settings: Settings) -> None:
    verifier = Verifier.of(settings)
    metrics = telemetry.start("comments", os.environ)
    try:
        async with (
            connect(
                settings.nats_url, **settings.nats_login(), name="comments", patience=settings.start_patience
            ) as nats,
            open_service(settings, nats, metrics) as service,
        ):
            await serve(service, settings=settings, telemetry=metrics, verifier=verifier)
    finally:
        await verifier.close()
        metrics.close()


if __name__ == "__main__":
    launch(Settings, main)
