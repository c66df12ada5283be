"""A live lease as presence keeps it: one connection of a user, and where it is."""

import sys
from dataclasses import dataclass
from datetime import datetime

from events.presence import Activity, Device, Lease


@dataclass(frozen=True, slots=True)
class Connection:
    id: str
    value: bytes
    """As the bucket has it: the next heartbeat with the same bytes says nothing new."""
    user: str
    name: str | None
    avatar: str | None
    device: str | None
    activity: Activity
    since: datetime
    rooms: frozenset[str]

    @property
    def order(self) -> tuple[datetime, str]:
        """The newest connection is the last."""
        return self.since, self.id

    def shown(self) -> Device:
        return Device(connection=self.id, device=self.device, activity=self.activity, since=self.since)


def read(key: str, value: bytes) -> Connection:
    """The connection of a lease. Raise `ValueError` if the value is none."""
    lease = Lease.decode(value)
    return Connection(
        id=key.rpartition(".")[2],
        value=value,
        user=sys.intern(lease.user),  # a hundred thousand leases name few rooms, and users more than once
        name=lease.name,
        avatar=lease.avatar,
        device=lease.device,
        activity=lease.activity,
        since=lease.since,
        rooms=frozenset(map(sys.intern, lease.rooms)),
    )
