"""A phone behind FCM: what it shows, and what made a sound."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Android:
    """A phone with the app on it."""

    token: str
    registered: bool = True
    tray: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """What it shows, by tag."""
    alerts: list[str] = field(default_factory=list)
    """Ids of what made a sound."""

    def take(self, message: Mapping[str, Any]) -> None:
        """As the system does with a notification, and the app with what is data alone."""
        data, own = message["data"], message["android"].get("notification", {})
        if "notification" not in message:
            self.tray.pop(data["tag"], None)
            return
        self.tray[own["tag"]] = {**message["notification"], **own}
        if "sound" in own:
            self.alerts.append(data["id"])
