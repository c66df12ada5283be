"""`python -m comments`: the comments service as a process of its own."""

import os
import sys

from pydantic import ValidationError

from chassis import logs, telemetry
from chassis.serving import run, serve
from chassis.settings import describe
from comments.service import open_service
from comments.settings import Settings
from events.jetstream import connect


async def main(settings: Settings) -> None:
    metrics = telemetry.start("comments", os.environ)
    password = settings.nats_password.get_secret_value() if settings.nats_password else None
    try:
        async with (
            connect(settings.nats_url, user=settings.nats_user, password=password, name="comments") as nats,
            open_service(settings, nats, metrics) as service,
        ):
            await serve(service, settings=settings, telemetry=metrics)
    finally:
        metrics.close()


if __name__ == "__main__":
    try:
        settings = Settings()
    except ValidationError as error:
        sys.exit(describe(error))
    logs.configure(settings.log_level, settings.log_format)
    run(main(settings))
