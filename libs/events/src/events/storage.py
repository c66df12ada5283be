"""How JetStream keeps what Parley stores in it."""

from nats.js.api import DiscardPolicy, RePublish, StorageType, StreamConfig

from events import subjects

DUPLICATE_WINDOW = 120.0
"""Seconds for which the stream remembers message ids."""

MAX_AGE = 30 * 86_400.0
"""Seconds; the log in Postgres has what is older."""

MARKER_SECONDS = 1.0
"""For which a key that expired or was ended leaves a marker; the least that the server allows."""

PRESENCE_BYTES = 128 << 20
"""Of memory; a lease takes about 300 bytes and more for each room. Beyond it no lease is taken."""

SEEN_SECONDS = 90 * 86_400.0

SEEN_USERS = 1_000_000
"""Of about 200 bytes each; beyond it the oldest are forgotten. A limit in bytes would be reserved on disk."""

RECEIPTS_SECONDS = 3600.0
"""Longer than comments may be away without loss."""

RECEIPTS_MESSAGES = 1_000_000
"""Beyond it the oldest are dropped; comments takes them within moments."""

CONFIRM_SECONDS = 5.0
"""After which what was taken and not confirmed comes again: its process was killed, or waits for Postgres."""


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


def presence(replicas: int, most: int) -> StreamConfig:
    """The bucket `presence`: in memory, `most` bytes; each key has a time to live of its own."""
    bucket = _bucket(subjects.PRESENCE_BUCKET, replicas)
    return bucket.evolve(
        storage=StorageType.MEMORY,
        allow_msg_ttl=True,
        subject_delete_marker_ttl=MARKER_SECONDS,
        max_bytes=most,
        discard=DiscardPolicy.NEW,
    )


def last_seen(replicas: int, max_age: float) -> StreamConfig:
    """The bucket `last_seen`; each value is kept for `max_age` seconds."""
    bucket = _bucket(subjects.LAST_SEEN_BUCKET, replicas)
    return bucket.evolve(
        storage=StorageType.FILE, max_age=max_age, max_msgs=SEEN_USERS, discard=DiscardPolicy.OLD
    )


def receipts(replicas: int) -> StreamConfig:
    """The stream `RECEIPTS`."""
    return StreamConfig(
        name=subjects.RECEIPTS_STREAM,
        subjects=[subjects.RECEIPTS],
        storage=StorageType.FILE,
        num_replicas=replicas,
        max_age=RECEIPTS_SECONDS,
        max_msgs=RECEIPTS_MESSAGES,
        discard=DiscardPolicy.OLD,
    )


def _bucket(bucket: str, replicas: int) -> StreamConfig:
    """A stream that every client of NATS takes for a bucket without history."""
    return StreamConfig(
        name=subjects.bucket(bucket),
        subjects=[subjects.in_bucket(bucket, ">")],
        num_replicas=replicas,
        max_msgs_per_subject=1,
        allow_direct=True,
        allow_rollup_hdrs=True,
        deny_delete=True,
    )
