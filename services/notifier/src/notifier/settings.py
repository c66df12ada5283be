"""What the notifier is told from outside, beside what every service is."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from chassis.settings import Settings as Common


class Settings(Common):
    database_timeout: float = Field(default=5, gt=0)
    """Seconds that Postgres may take for a request, or for all that is written at once; beyond, 503."""
    push_pool: int = Field(default=8, ge=3, le=100)
    """Connections to Postgres."""
    push_delay: float = Field(default=3, ge=0, le=600)
    """Seconds that a socket has to acknowledge a comment before its person counts as not here."""
    push_interval: float = Field(default=3, ge=0, le=3600)
    """Seconds at least between two notifications about a room on one device."""
    push_ttl: float = Field(default=86_400, ge=10, le=2_419_200)
    """Seconds after a comment, or after quiet hours, in which its push makes sense; then it is dropped."""
    push_deadline: float = Field(default=10, gt=0, le=60)
    """Seconds for one attempt to hand a push to its provider."""
    push_attempts: int = Field(default=6, ge=1, le=50)
    """To hand one push over, of which it is not known what became."""
    push_concurrency: int = Field(default=200, ge=1, le=5_000)
    """Pushes of one platform that are on their way to its providers at once."""
    push_batch: int = Field(default=500, ge=1, le=5_000)
    """Pushes, comments or receipts that are taken on at once."""
    push_devices: int = Field(default=20, ge=1, le=1_000)
    """Devices a person can have; the one that was not heard of for longest makes room."""
    push_rooms: int = Field(default=1_000, ge=1, le=100_000)
    """Rooms for which a person can have preferences of their own."""
    push_muted_users: int = Field(default=1_000, ge=0, le=100_000)
    """Authors whom a person can mute."""
    push_keep_days: float = Field(default=7, gt=0, le=365)
    """For which it is kept who was notified and why."""
    push_title: str = Field(default="", max_length=200)
    """The title where a room has no name; empty is "New message" in the device's language."""

    apns_key_file: Path | None = None
    """The .p8 key of an Apple developer account; without it APNs is off."""
    apns_key_id: str | None = None
    apns_team_id: str | None = None
    apns_topic: str | None = None
    """The app's bundle id, for devices that name none."""
    apns_sandbox: bool = False
    """Send to development builds."""
    apns_url: str | None = None
    """Another address than Apple's."""
    apns_connections: int = Field(default=2, ge=1, le=50)
    fcm_credentials_file: Path | None = None
    """The JSON key of a Google service account; without it FCM is off."""
    fcm_url: str = "https://fcm.googleapis.com"
    webpush_key_file: Path | None = None
    """The private VAPID key as PEM (P-256); without it Web Push is off. Make one: parley vapid."""
    webpush_contact: str = "mailto:postmaster@localhost"
    """How a push service reaches whoever runs this: a mailto or https address (RFC 8292)."""
    webpush_services: str = (
        "fcm.googleapis.com,*.push.apple.com,updates.push.services.mozilla.com,*.push.services.mozilla.com,"
        "*.notify.windows.com,*.wns.windows.com"
    )
    """Hosts, comma-separated, whose subscriptions are taken; `*.` before a name allows all below it."""
    webpush_private: Literal["refuse", "allow"] = "refuse"
    """Whether a subscription may point into a private network or have no TLS: for tests and `parley up`."""
    push_ca_file: Path | None = None
    """Certificates, as PEM, that are trusted beside the system's."""
    push_console: bool = False
    """Print what would go to APNs and FCM, where they are off."""
