"""`python -m fanout`: the fanout service as a process of its own."""

import os

from chassis.launching import launch_service
from events.jetstream import connect
from fanout.service import open_service
from fanout.settings import Settings


def main() -> None:
    launch_service("fanout", Settings, os.environ, connect, open_service)


if __name__ == "__main__":
    main()
