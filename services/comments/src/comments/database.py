"""Postgres as comments uses it: its schema, and what errors are answered with."""

from chassis import database
from chassis.asking import Asking
from chassis.database import ERRORS, Connection, Pool
from comments.errors import StorageFull, TooSlow, Unavailable
from comments.migrate import SCHEMA

__all__ = ["ERRORS", "Connection", "Pool", "asking", "connect", "fetch", "unavailable"]

_asking = Asking(away=Unavailable, slow=TooSlow, full=StorageFull, disk="the disk of the log")
unavailable, asking, fetch = _asking.unavailable, _asking.asking, _asking.fetch


async def connect(url: str, *, size: int, timeout: float, patience: float = 0) -> Pool:  # noqa: ASYNC109
    """As `chassis.database.connect`, to the schema `comments`."""
    return await database.connect(url, SCHEMA, size=size, timeout=timeout, patience=patience)
