"""`python -m fanout`: the fanout service as a process of its own."""

import os
import sys

from pydantic import ValidationError

from chassis import logs, telemetry
from chassis.auth import Verifier
from chassis.serving import run, serve
from chassis.settings import describe
from events.jetstream import connect
from fanout.service import open_service
from fanout.settings import Settings


async def main(settings: Settings) -> None:
    metrics = telemetry.start("fanout", os.environ)
    verifier = Verifier.of(settings)
    password = settings.nats_password.get_secret_value() if settings.nats_password else None
    try:
        async with (
            connect(settings.nats_url, user=settings.nats_user, password=password, name="fanout") as nats,
            open_service(settings, nats, metrics, verifier) as service,
        ):
            await serve(service, settings=settings, telemetry=metrics, verifier=verifier)
    finally:
        await verifier.close()
        metrics.close()


if __name__ == "__main__":
    try:
        settings = Settings()
    except ValidationError as error:
        sys.exit(describe(error))
    logs.configure(settings.log_level, settings.log_format)
    run(main(settings))
