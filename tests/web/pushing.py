"""Between the notifier and browsers: a push service of our own, as the browsers' is out of reach of tests.

What is simulated is that service and how the browser subscribes to it. The notifier encrypts and sends as it
always does; what arrives is opened with the browser's keys and handed to its service worker over the DevTools
protocol; the worker, its notifications and the page are real.
"""

import asyncio
import json
import queue
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from fakewebpush import FakeWebPush
from playwright.sync_api import Page, expect
from pushservice import Arrival
from running import Up
from web.people import SENT, People, Screen
from web.shade import PATIENCE, Shade

ALLOWED: dict[str, Any] = {"permissions": ["notifications"]}

SUBSCRIBED = """
(subscription) => {
  const KEY = "test:subscribed";
  const held = (options) => ({
    options, endpoint: subscription.endpoint, toJSON: () => subscription,
    unsubscribe: async () => (localStorage.removeItem(KEY), true),
  });
  const options = () => {
    const key = JSON.parse(localStorage.getItem(KEY));
    return key && { userVisibleOnly: true, applicationServerKey: new Uint8Array(key).buffer };
  };
  PushManager.prototype.getSubscription = async () => options() && held(options());
  PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
    if (!userVisibleOnly) throw new DOMException("only what is shown", "NotAllowedError");
    localStorage.setItem(KEY, JSON.stringify([...new Uint8Array(applicationServerKey)]));
    return held(options());
  };
}
"""


class Taken(list[Arrival]):
    """Tells another thread of what was taken."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: queue.Queue[Mapping[str, Any]] = queue.Queue()

    def append(self, arrival: Arrival) -> None:
        super().append(arrival)
        if arrival.taken:
            self.waiting.put(arrival.payload)


class Postbox:
    """The push service, and what it has for the one browser of a test."""

    def __init__(self, service: FakeWebPush) -> None:
        self._taken = Taken()
        service.arrivals = self._taken
        self.service = service

    def take(self) -> Mapping[str, Any]:
        """The next push, as soon as there is one."""
        return self._taken.waiting.get(timeout=PATIENCE)


@contextmanager
def postbox() -> Iterator[Postbox]:
    """In a thread of its own: the browser's driver does not give way."""
    opened: queue.Queue[Postbox] = queue.Queue()
    loop = asyncio.new_event_loop()
    closing = asyncio.Event()

    async def serve() -> None:
        async with FakeWebPush.serve() as service:
            opened.put(Postbox(service))
            await closing.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    try:
        yield opened.get(timeout=PATIENCE)
    finally:
        loop.call_soon_threadsafe(closing.set)
        thread.join()
        loop.close()


@dataclass
class Subscriber:
    """A browser with a subscription, from before its first page; then one page of it that is open."""

    page: Page
    box: Postbox
    registrations: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.subscription = self.box.service.subscribe()
        self.page.context.add_init_script(f"({SUBSCRIBED})({json.dumps(self.subscription)})")
        self._devtools = self.page.context.new_cdp_session(self.page)
        self._devtools.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda event: self.registrations.extend(event["registrations"]),
        )
        self._devtools.send("ServiceWorker.enable")
        self.shade = Shade(self.page)

    def receive(self) -> Mapping[str, Any]:
        """The next push that the push service has for this browser."""
        payload = self.box.take()
        self.deliver(payload)
        return payload

    def deliver(self, payload: Mapping[str, Any] | str) -> None:
        origin = self.page.evaluate("location.origin")
        worker = [one for one in self.registrations if one["scopeURL"] == f"{origin}/"][-1]
        data = payload if isinstance(payload, str) else json.dumps(payload)
        push = {"origin": origin, "registrationId": worker["registrationId"], "data": data}
        self._devtools.send("ServiceWorker.deliverPushMessage", push)


def bell(screen: Screen) -> None:
    """Open what is behind it."""
    screen.page.locator("#bell").click()
    expect(screen.page.locator("#alerts")).to_be_visible()


def switch_on(screen: Screen, note: str) -> None:
    bell(screen)
    screen.page.get_by_role("switch", name="In this browser").click()
    expect(screen.page.locator("#push-note")).to_have_text(re.compile(note))
    screen.page.keyboard.press("Escape")


def subscribed(people: People, box: Postbox, room: str, person: str = "ada") -> tuple[Screen, Subscriber]:
    """Somebody who is pushed to."""
    ada = people.seat(**ALLOWED)
    subscriber = Subscriber(ada.page, box)
    ada.open(room=room, **{"as": person})
    expect(ada.here).to_be_visible()
    switch_on(ada, "^On, even when no page is open.$")
    return ada, subscriber


def away(people: People, screen: Screen, room: str) -> Screen:
    """They look away; Grace, who knows that, is here."""
    grace = people.enter(room, "grace")
    screen.look_away()
    expect(grace.page.locator("#here-faces .dot")).to_have_class("dot idle")
    return grace


def write(screen: Screen, text: str) -> None:
    screen.write(text)
    expect(screen.status(text)).to_have_text(SENT)


def asked(up: Up, person: str, path: str) -> Any:
    token = httpx.get(f"{up.url}/demo/session", params={"user": person}).json()["token"]
    with up.client(token) as client:
        return client.get(path).raise_for_status().json()
