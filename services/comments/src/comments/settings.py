"""What the comments service is told from outside, beside what every service is."""

from pydantic import Field

from chassis.settings import Settings as Common


class Settings(Common):
    body_limit: int = Field(default=10_000, ge=1, le=100_000)
    """Characters in a comment's body."""
    mentions_limit: int = Field(default=50, ge=0, le=200)
    """Members whom one comment can mention; what names more of them stays text."""
    unread_rooms: int = Field(default=1_000, ge=1, le=3_000)
    """Rooms of a user of which fanout is told what is unread there; beyond, the first by id."""
    waiting_limit: int = Field(default=20_000, ge=1)
    """Commands that may wait to be written; beyond, callers get 503."""
    database_pool: int = Field(default=10, ge=3, le=100)
    """Connections to Postgres."""
    database_timeout: float = Field(default=5, gt=0)
    """Seconds that Postgres may take for a request, or for all that is written at once; beyond, 503."""
    replay_waiting: int = Field(default=2_000, ge=1)
    """Requests for pages of the log that may wait; beyond, fanout is told to ask again later."""
    questions_waiting: int = Field(default=2_000, ge=1)
    """Questions of fanout about watermarks and what is unread that may wait; beyond, it is told so."""
    receipts_batch: int = Field(default=500, ge=1, le=5_000)
    """Messages of the stream of receipts that are written at once."""
    relay_sweep: float = Field(default=1.0, gt=0)
    """Seconds between the relay's looks at the stream, the outbox and at who publishes which part of it."""
    stream_replicas: int = Field(default=1, ge=1, le=5)
    """Copies of the stream in a NATS cluster."""
