"""People in front of browsers, as the tests of the page seat them."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect
from running import Up

SCREENSHOTS = Path(__file__).resolve().parents[2] / "artefacts/screenshots"
# For a machine that is busy with other tests; milliseconds.
PATIENCE = 30_000
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

SENT = re.compile("^(Sent|Delivered|Read)")
"""The status of a message that the server has, whoever else has it by now."""

LOOK_AWAY = """
hidden => {
  const say = (name, value) => Object.defineProperty(document, name, {configurable: true, value});
  say("hidden", hidden);
  say("visibilityState", hidden ? "hidden" : "visible");
  document.dispatchEvent(new Event("visibilitychange"));
}
"""
"""A browser without a screen takes every page for visible: so the page is told."""


def fill(up: Up, room: str, *texts: str) -> None:
    """Let Alan write these messages."""
    alan = httpx.get(f"{up.url}/demo/session", params={"user": "alan"}).json()["token"]
    with up.client(alan) as client:
        for text in texts:
            client.post(f"/v1/rooms/{room}/comments", json={"body": text}).raise_for_status()


@dataclass
class Screen:
    """One person's browser."""

    page: Page
    url: str

    def open(self, **query: str) -> None:
        self.page.goto(f"{self.url}/?{urlencode(query)}")

    def write(self, text: str) -> None:
        self.page.get_by_label("Message", exact=True).fill(text)
        self.page.keyboard.press("Enter")

    @property
    def messages(self) -> Locator:
        return self.page.locator(".message")

    @property
    def texts(self) -> Locator:
        return self.page.locator(".message .text")

    def status(self, text: str) -> Locator:
        """The status of an own message, as a screen reader hears it."""
        return self.messages.filter(has_text=text).locator(".status .sr-only")

    @property
    def here(self) -> Locator:
        """The list of who is here, in short."""
        return self.page.locator("#here-text")

    def person(self, name: str) -> Locator:
        """What the open list says of a person."""
        return self.page.locator(".entry", has_text=name).locator(".entry-note")

    def ticks(self, text: str) -> Locator:
        return self.messages.filter(has_text=text).locator(".status")

    def open_unseen(self, **query: str) -> None:
        """In a tab behind the one that is looked at, until they look back."""
        self.page.add_init_script(f"({LOOK_AWAY})(true)")
        self.open(**query)

    def leave(self) -> None:
        self.page.goto("about:blank")

    def look_away(self) -> None:
        """To another tab."""
        self.page.evaluate(LOOK_AWAY, True)

    def look_back(self) -> None:
        self.page.evaluate(LOOK_AWAY, False)

    def look_back_and_leave(self) -> None:
        """At once."""
        self.page.evaluate(f"({LOOK_AWAY})(false), location.assign('about:blank')")

    def photograph(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")


@dataclass
class People:
    """Whoever a test seats in front of a browser of their own; none of them may see an error of the page."""

    browser: Browser
    url: str
    errors: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def seat(self, url: str | None = None, **options: Any) -> Screen:
        context = self.browser.new_context(**{"viewport": {"width": 1100, "height": 760}, **options})
        context.set_default_timeout(PATIENCE)
        self.contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._heard)
        return Screen(page, url or self.url)

    def enter(self, room: str, name: str, **options: Any) -> Screen:
        """With a browser profile of their own, until they see who is here."""
        screen = self.seat(**options)
        screen.open(room=room, **{"as": name})
        expect(screen.here).to_be_visible()
        return screen

    def _heard(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.errors.append(message.text)
