"""What the fanout service is told from outside, beside what every service is."""

from typing import Self

from pydantic import Field, model_validator

from chassis.settings import Settings as Common


class Settings(Common):
    frame_limit: int = Field(default=65_536, ge=1024)
    """Bytes in a message from a client."""
    write_high: int = Field(default=262_144, ge=4096)
    """Bytes that may wait for one client before it falls back from live events to replay."""
    shed_above: int = Field(default=65_536, ge=0)
    """Bytes that may wait for one client before it gets no more signals.

    Presence, receipts and unread counts then wait until they went.
    """
    frames_per_second: int = Field(default=1000, ge=10)
    """WebSocket frames of any kind, fragments and pings too, that one client may send."""
    max_connections: int = Field(default=50_000, ge=1)
    """Sockets of one process; beyond, upgrades get 503."""
    connects_per_second: float = Field(default=1500, gt=0)
    """New connections let in, in the long run; others are told when to come back."""
    connects_burst: float = Field(default=1000, ge=1)
    """New connections let in at once."""
    rooms_per_connection: int = Field(default=256, ge=1)
    """Rooms that one connection may be in."""
    connect_seconds: float = Field(default=10, gt=0)
    """Within which a client must have sent its token."""
    ping_seconds: float = Field(default=25, gt=0)
    """Of silence after which a client is pinged."""
    pong_seconds: float = Field(default=10, gt=0)
    """Within which it must answer."""
    expiry_warning: float = Field(default=60, ge=0)
    """Seconds before a token's end at which the client is told; at half of its time if that is shorter."""
    degraded_after: float = Field(default=1, ge=0)
    """Seconds without NATS after which clients are told that live events have stopped."""
    drain_window: float = Field(default=30, ge=0)
    """Seconds over which a stopping process spreads the closing of its connections."""
    drain_seconds: float = Field(default=40, ge=0, le=600)
    """How long a stopping process may take in all; more than the window."""
    requests_per_second: float = Field(default=20, gt=0)
    """Of one connection in the long run."""
    requests_burst: float = Field(default=300, ge=1)
    """At once: a client that comes back subscribes to all its rooms."""
    signals_per_second: float = Field(default=10, gt=0)
    """Of one connection in the long run."""
    signals_burst: float = Field(default=20, ge=1)
    """Signals at once."""
    typing_seconds: float = Field(default=1, gt=0)
    """In which the others in a room are told at most once that somebody types."""
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
    presence_ttl: int = Field(default=30, ge=1, le=3600)
    """Seconds after which the people of a process that was killed are gone; more than twice the heartbeat."""
    heartbeat_seconds: float = Field(default=10, ge=0.1, le=600)
    """Between two heartbeats of a connection."""
    presence_list: int = Field(default=1000, ge=1, le=1000)
    """People in a room up to which clients are told of each; beyond, of counts and of whom they ask for.

    Until fewer than 90 % of it are here.
    """
    ambient_timeout: float = Field(default=2, gt=0)
    """Seconds to wait for who is in a room, how far its members are, or what somebody has not read."""
    receipts_interval: float = Field(default=0.1, gt=0)
    """Seconds in which receipts gather before they are sent on."""
    receipts_waiting: int = Field(default=100_000, ge=1)
    """Receipts that may wait while NATS is away; beyond, clients are told to try again."""
    receipts_push: float = Field(default=0.25, gt=0)
    """Seconds between two pushes of receipts to a room."""
    unread_push: float = Field(default=0.5, gt=0)
    """Seconds between two looks at what is unread in a room, for those who watch it."""

    @model_validator(mode="after")
    def _beats_in_time(self) -> Self:
        if self.heartbeat_seconds > self.presence_ttl / 2:
            raise ValueError("PARLEY_HEARTBEAT_SECONDS must be at most half of PARLEY_PRESENCE_TTL")
        return self
