"""`python -m comments`: the comments service as a process of its own."""

import os

from chassis.launching import launch_service
from comments.service import open_service
from comments.settings import Settings
from events.jetstream import connect


def main() -> None:
    launch_service(
        "comments",
        Settings,
        os.environ,
        connect,
        lambda settings, nats, metrics, _: open_service(settings, nats, metrics),
    )


if __name__ == "__main__":
    main()
