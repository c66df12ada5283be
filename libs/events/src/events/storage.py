"""How JetStream keeps the events."""

from nats.js.api import RePublish, StorageType, StreamConfig

from events import subjects

DUPLICATE_WINDOW = 120.0
"""Seconds for which the stream remembers message ids."""

MAX_AGE = 30 * 86_400.0
"""Seconds; the log in Postgres has what is older."""


def stream(replicas: int) -> StreamConfig:
    """The stream `EVENTS`, which republishes each event once it is persisted."""
    return StreamConfig(
        name=subjects.STREAM,
        subjects=[subjects.EVENTS],
        storage=StorageType.FILE,
        num_replicas=replicas,
        duplicate_window=DUPLICATE_WINDOW,
        max_age=MAX_AGE,
        allow_direct=True,
        republish=RePublish(src=subjects.EVENTS, dest=f"{subjects.LIVE_PREFIX}{subjects.EVENTS}"),
    )
