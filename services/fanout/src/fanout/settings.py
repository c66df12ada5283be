"""What the fanout service is told from outside, beside what every service is."""

from pydantic import Field

from chassis.settings import Settings as Common


class Settings(Common):
    frame_limit: int = Field(default=65_536, ge=1024)
    """Bytes in a message from a client."""
    write_high: int = Field(default=262_144, ge=4096)
    """Bytes that may wait for one client before it falls back from live events to replay."""
    max_connections: int = Field(default=50_000, ge=1)
    """Sockets of one process; beyond, upgrades get 503."""
    rooms_per_connection: int = Field(default=256, ge=1)
    """Rooms that one connection may be in."""
    connect_seconds: float = Field(default=10, gt=0)
    """Within which a client must have sent its token."""
    ping_seconds: float = Field(default=25, gt=0)
    """Of silence after which a client is pinged."""
    pong_seconds: float = Field(default=10, gt=0)
    """Within which it must answer."""
    requests_per_second: float = Field(default=20, gt=0)
    """Of one connection in the long run."""
    requests_burst: float = Field(default=300, ge=1)
    """At once: a client that comes back subscribes to all its rooms."""
    signal_limit: int = Field(default=4096, ge=1)
    """Bytes of a signal's data."""
    ring_bytes: int = Field(default=262_144, ge=0)
    """Of recent events kept in memory for each active room."""
    pages_bytes: int = Field(default=33_554_432, ge=0)
    """Of pages of the log kept in memory, of all rooms."""
    room_linger: float = Field(default=30, ge=0)
    """Seconds for which a room without members stays active."""
    replay_timeout: float = Field(default=2, gt=0)
    """Seconds to wait for a page of the log."""
