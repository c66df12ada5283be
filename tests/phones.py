"""An Apple device with the app on it: what APNs keeps for it, and what its notification centre shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Notice:
    """What APNs hands to a device."""

    collapse_id: str
    """A later one with the same is shown in its place."""
    expires_at: float
    """Seconds since 1970; until then it is kept for a device that is off."""
    payload: Mapping[str, Any]


@dataclass(slots=True)
class Phone:
    token: str
    online: bool = True
    gone_since: float | None = None
    """Seconds since 1970: the app was removed."""
    badge: int = 0
    pending: list[Notice] = field(default_factory=list)
    notifications: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """By collapse id, as they are shown now."""
    alerts: list[str] = field(default_factory=list)
    """Ids of what made a sound: what replaced silently is not among them."""

    def take(self, notice: Notice, now: float) -> None:
        """What APNs does with an accepted push."""
        self.pending = [one for one in self.pending if one.collapse_id != notice.collapse_id]
        self.pending.append(notice)
        if self.online:
            self.return_(now)

    def return_(self, now: float) -> None:
        """It is on again, and is given what is pending and has not expired."""
        self.online = True
        pending, self.pending = self.pending, []
        for notice in pending:
            if notice.expires_at > now:
                self._show(notice)

    def _show(self, notice: Notice) -> None:
        """What iOS does, and the app where it is woken: it takes back what was read elsewhere."""
        aps, own = notice.payload["aps"], notice.payload["parley"]
        self.badge = aps.get("badge", self.badge)
        if "alert" in aps:
            self.notifications[notice.collapse_id] = notice.payload
            if "sound" in aps:
                self.alerts.append(own["id"])
        elif aps.get("content-available") == 1 and own["type"] == "read":
            self.notifications.pop(own["tag"], None)
