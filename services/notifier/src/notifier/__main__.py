"""`python -m notifier`: a process that answers `/healthz`; pushes come with a later version."""

import sys

from pydantic import ValidationError

from chassis import logs
from chassis.service import Service
from chassis.serving import run, serve
from chassis.settings import Settings, describe

if __name__ == "__main__":
    try:
        settings = Settings()
    except ValidationError as error:
        sys.exit(describe(error))
    logs.configure(settings.log_level, settings.log_format)
    run(serve(Service(name="notifier"), settings=settings))
