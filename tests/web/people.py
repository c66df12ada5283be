"""People in front of browsers, as the tests of the page seat them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page

SCREENSHOTS = Path(__file__).resolve().parents[2] / "artefacts/screenshots"
# For a machine that is busy with other tests; milliseconds.
PATIENCE = 30_000


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

    def _heard(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.errors.append(message.text)
