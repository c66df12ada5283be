"""`python -m presence`: the presence service as a process of its own."""

import os

from chassis.launching import launch_service
from events.jetstream import connect
from presence.service import open_service
from presence.settings import Settings


def main() -> None:
    launch_service(
        "presence",
        Settings,
        os.environ,
        connect,
        lambda settings, nats, metrics, _: open_service(settings, nats, metrics),
    )


if __name__ == "__main__":
    main()
