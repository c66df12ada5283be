"""What presence is told of a connection: who holds it, and where it is."""

from collections.abc import Sequence
from datetime import datetime

from chassis.auth import Identity
from events.presence import Activity, Lease


def lease(
    caller: Identity,
    rooms: Sequence[str],
    since: datetime,
    *,
    device: str | None = None,
    activity: Activity = "active",
) -> Lease:
    """`since` is when the connection began."""
    return Lease(
        user=caller.user,
        name=caller.name,
        avatar=caller.avatar,
        device=device,
        activity=activity,
        rooms=list(rooms),
        since=since,
    )
