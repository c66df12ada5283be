"""What the comments service is told from outside, beside what every service is."""

from pydantic import Field

from chassis.settings import Settings as Common


class Settings(Common):
    body_limit: int = Field(default=10_000, ge=1, le=100_000)
    """Characters in a comment's body."""
    waiting_limit: int = Field(default=20_000, ge=1)
    """Commands that may wait to be written; beyond, callers get 503."""
    database_pool: int = Field(default=8, ge=3, le=100)
    """Connections to Postgres."""
    database_timeout: float = Field(default=5, gt=0)
    """Seconds that a statement may take."""
    relay_sweep: float = Field(default=1.0, gt=0)
    """Seconds between the relay's looks at the outbox and at who publishes which part of it."""
    stream_replicas: int = Field(default=1, ge=1, le=5)
    """Copies of the stream in a NATS cluster."""
