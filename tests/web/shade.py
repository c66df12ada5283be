"""What a browser shows of notifications, by its own record.

To ask it for its notifications while it is about to show one can make it forget that one: Chromium takes for
gone what is not on the screen yet. So its record is followed instead, over the DevTools protocol.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

PATIENCE = 30.0
"""Seconds, on a machine that is busy with other tests."""

KEPT = """
() => navigator.serviceWorker.getRegistration().then((registration) => registration.getNotifications())
  .then((found) => found.map(({ icon, data }) => ({ icon, data })))
"""


@dataclass(frozen=True, slots=True)
class Shown:
    title: str
    body: str
    tag: str


class Shade:
    """Of the browser profile of a page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._now: dict[str, Shown] = {}
        self.history: list[Shown] = []
        devtools = page.context.new_cdp_session(page)
        devtools.on("BackgroundService.backgroundServiceEventReceived", self._heard)
        devtools.send("BackgroundService.startObserving", {"service": "notifications"})
        devtools.send("BackgroundService.setRecording", {"service": "notifications", "shouldRecord": True})

    def shows(self, *bodies: str) -> list[Shown]:
        """As soon as it shows just these."""
        self._wait(lambda: self._bodies == bodies)
        assert self._bodies == bodies
        return list(self._now.values())

    def has_shown(self, body: str) -> Shown:
        """As soon as it has, whether or not it still does."""
        self._wait(lambda: bool(self.history))
        (shown,) = self.history
        assert shown.body == body
        return shown

    def kept(self) -> list[dict[str, Any]]:
        """What the page put into those that are shown."""
        found: list[dict[str, Any]] = self._page.evaluate(KEPT)
        return found

    @property
    def _bodies(self) -> tuple[str, ...]:
        return tuple(one.body for one in self._now.values())

    def _heard(self, message: dict[str, Any]) -> None:
        event = message["backgroundServiceEvent"]
        tag = event["instanceId"]
        if event["eventName"] == "Notification closed":
            self._now.pop(tag, None)
        elif event["eventName"] == "Notification displayed":
            said = {each["key"]: each["value"] for each in event["eventMetadata"]}
            self._now[tag] = Shown(said["Title"], said["Body"], tag)
            self.history.append(self._now[tag])

    def _wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition() and time.monotonic() < deadline:
            self._page.wait_for_timeout(20)  # in which what the browser says is heard
