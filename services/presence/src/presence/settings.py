"""What the presence service is told from outside, beside what every service is."""

from pydantic import Field

from chassis.settings import Settings as Common


class Settings(Common):
    heartbeat_seconds: float = Field(default=10, ge=0.1, le=600)
    """Between two heartbeats of a connection; after a loss, nothing is said for a little longer than that."""
    presence_damping: float = Field(default=5, ge=0, le=600)
    """Seconds that somebody who closed their last connection has to come back without having left."""
    presence_gather: float = Field(default=0.05, gt=0, le=10)
    """Seconds for which transitions gather before they are sent."""
    presence_lead_ttl: int = Field(default=5, ge=1, le=600)
    """Seconds after which another replica may speak for one that was killed."""
    presence_devices: int = Field(default=20, ge=1, le=100)
    """Connections of a user that are listed, the newest first."""
    presence_rooms: int = Field(default=1_000, ge=1)
    """Rooms of a user that are listed."""
    presence_bytes: int = Field(default=134_217_728, ge=1_048_576)
    """Of NATS' memory for connections, about 300 each and more for each room; beyond, no new one is shown.

    With replicas make it large enough: NATS then refuses to extend what it has, too.
    """
    last_seen_refresh: float = Field(default=300, gt=0)
    """Seconds in which it is written down once of everybody who is here."""
    last_seen_days: float = Field(default=90, gt=0)
    """After which it is forgotten when somebody was here."""
    last_seen_rooms: int = Field(default=256, ge=1, le=2_000)
    """Rooms of a user of which it is kept when they were there, the latest ones."""
    stream_replicas: int = Field(default=1, ge=1, le=5)
    """Copies of the buckets in a NATS cluster."""
