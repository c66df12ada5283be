"""Notifications on the demo page: real pushes of the notifier, to the page's own service worker.

What is simulated is the push service of the browser: see `pushing.py`.
"""

import re

import pytest
from playwright.sync_api import Worker, expect
from running import Up
from web.people import PHONE, People, Screen, fill
from web.pushing import (
    ALLOWED,
    Postbox,
    Subscriber,
    asked,
    away,
    bell,
    subscribed,
    switch_on,
    write,
)
from web.shade import Shade

from notifier import ids

LONG = "This is a message of more than fifty characters, so not all of it is shown."
ROOMS = iter(f"chat-pushed-{number}" for number in range(1000))


@pytest.fixture(scope="module")
def notifies() -> bool:
    return True


@pytest.fixture
def room() -> str:
    return next(ROOMS)


def devices(up: Up, person: str) -> list[str]:
    return [device["platform"] for device in asked(up, person, "/v1/devices")["devices"]]


def worker(screen: Screen) -> Worker:
    return screen.page.context.service_workers[-1]


def test_a_message_to_somebody_who_looks_away_is_shown_by_the_browser(
    people: People, box: Postbox, room: str
) -> None:
    ada, subscriber = subscribed(people, box, room)
    grace = away(people, ada, room)
    write(grace, LONG)
    subscriber.receive()
    (shown,) = subscriber.shade.shows(f"Grace Hopper: {LONG[:50].rstrip()}...")
    assert shown.title.startswith("New message")
    assert shown.tag == ids.tag("default", "ada", room)
    (kept,) = subscriber.shade.kept()
    assert kept["icon"].endswith("/icon.png")
    assert kept["data"]["room"] == room


def test_of_several_messages_one_notification_is_left_and_it_goes_when_they_are_read(
    people: People, box: Postbox, room: str
) -> None:
    ada, subscriber = subscribed(people, box, room)
    grace = away(people, ada, room)
    write(grace, "one")
    subscriber.receive()
    subscriber.shade.shows("Grace Hopper: one")
    write(grace, "two")
    subscriber.shade.shows(subscriber.receive()["body"])
    ada.look_back()
    subscriber.shade.shows()


def test_what_is_read_on_another_device_is_taken_back(people: People, box: Postbox, room: str) -> None:
    ada, subscriber = subscribed(people, box, room)
    write(away(people, ada, room), "hello")
    subscriber.receive()
    subscriber.shade.shows("Grace Hopper: hello")
    ada.page.goto(f"{people.url}/favicon.svg")
    phone = people.enter(room, "ada", **PHONE)
    expect(phone.texts).to_have_text(["hello"])
    payload = subscriber.receive()
    assert (payload["type"], payload["room"]) == ("read", room)
    subscriber.shade.shows()


def test_whoever_has_closed_the_page_is_notified_and_comes_back_as_who_was_notified(
    people: People, box: Postbox, room: str
) -> None:
    ada, subscriber = subscribed(people, box, room)
    ada.page.goto(f"{people.url}/favicon.svg")
    write(people.enter(room, "grace"), "hello")
    subscriber.receive()
    subscriber.shade.shows("Grace Hopper: hello")
    ada.page.goto(f"{people.url}/?room={room}&notified=")
    expect(ada.page.locator("#me-name")).to_have_text("Ada Lovelace")
    expect(ada.page).to_have_url(re.compile(f"room={room}&as=ada$"))
    subscriber.shade.shows()


CLICK = """
() => self.registration.getNotifications().then(([notification]) =>
  self.dispatchEvent(new NotificationEvent("notificationclick", { notification })))
"""


def test_a_click_opens_the_room_in_a_page_that_is_open(people: People, box: Postbox, room: str) -> None:
    ada, subscriber = subscribed(people, box, room)
    ada.open(room="chat-elsewhere", **{"as": "ada"})
    expect(ada.here).to_be_visible()
    ada.look_away()
    write(people.enter(room, "grace"), "hello")
    subscriber.receive()
    subscriber.shade.shows("Grace Hopper: hello")
    worker(ada).evaluate(CLICK)
    expect(ada.texts).to_have_text(["hello"])
    expect(ada.page).to_have_url(re.compile(f"room={room}&as=ada$"))
    subscriber.shade.shows()


def test_somebody_who_reads_along_is_not_disturbed(people: People, box: Postbox, room: str) -> None:
    """Should a push be sent all the same, as they came back while it was on its way."""
    ada, subscriber = subscribed(people, box, room)
    ada.page.bring_to_front()
    push = {"type": "comment", "comment": "c", "offset": 1, "title": "T"}
    subscriber.deliver({**push, "room": room, "tag": "here", "body": "here"})
    subscriber.deliver({**push, "room": "chat-elsewhere", "tag": "there", "body": "there"})
    subscriber.shade.shows("there")


def test_a_push_that_cannot_be_read_says_that_there_is_something(
    people: People, box: Postbox, room: str
) -> None:
    ada, subscriber = subscribed(people, box, room)
    ada.look_away()
    subscriber.deliver("<b>?</b>")
    assert subscriber.shade.shows("")[0].title == "New message"


def test_whoever_switches_it_off_is_pushed_nothing(people: People, box: Postbox, room: str, up: Up) -> None:
    joan, _ = subscribed(people, box, room, "joan")
    assert devices(up, "joan") == ["webpush"]
    with joan.page.expect_response(lambda response: "/v1/devices/" in response.url) as gone:
        switch_on(joan, "^Off$")
    assert (gone.value.request.method, gone.value.status) == ("DELETE", 204)
    assert devices(up, "joan") == []
    joan.page.reload()
    expect(joan.page.get_by_role("button", name="Notifications: off")).to_be_visible()


def test_the_device_moves_with_whoever_uses_the_browser(
    people: People, box: Postbox, room: str, up: Up
) -> None:
    mary, _ = subscribed(people, box, room, "mary")
    emmy = Screen(mary.page.context.new_page(), people.url)
    emmy.open(room=room, **{"as": "emmy"})
    bell(emmy)
    expect(emmy.page.locator("#push-note")).to_have_text("On for somebody else who uses this browser.")
    emmy.page.keyboard.press("Escape")
    assert (devices(up, "mary"), devices(up, "emmy")) == (["webpush"], [])
    switch_on(emmy, "^On, even")
    assert (devices(up, "mary"), devices(up, "emmy")) == ([], ["webpush"])
    expect(mary.page.get_by_role("button", name="Notifications: off")).to_be_visible()


def test_without_a_push_service_the_page_notifies_while_it_is_open(people: People, room: str) -> None:
    """The browser of the tests has none that it reaches: this is its own answer."""
    ada, grace = people.enter(room, "ada", **ALLOWED), people.enter(room, "grace")
    switch_on(ada, "^On while this page is open: its push service is out of reach")
    ada.look_away()
    shade = Shade(ada.page)
    write(grace, LONG)
    shown = shade.has_shown(f"Grace Hopper: {LONG[:50]}...")
    assert shown.title == f"New message in {room}"
    assert re.fullmatch(r"comment-[0-9a-f-]{36}", shown.tag)
    shade.shows()


MADE = """
() => {
  globalThis.made = [];
  globalThis.Notification = class extends Notification {
    constructor(title, options) {
      super(title, options);
      made.push([title, options.body]);
      this.addEventListener("close", () => made.push("closed"));
    }
  };
}
"""


def test_where_the_server_pushes_to_no_browsers_the_page_notifies_by_itself(
    people: People, room: str
) -> None:
    """Of the server, its answer is simulated."""
    ada = people.seat(**ALLOWED)
    ada.page.add_init_script(f"({MADE})()")
    ada.page.route("**/v1/push", lambda route: route.fulfill(json={"platforms": [], "webPush": None}))
    ada.open(room=room, **{"as": "ada"})
    expect(ada.here).to_be_visible()
    switch_on(ada, "^On while this page is open: this server pushes to no browsers.$")
    write(away(people, ada, room), "hello")
    ada.page.wait_for_function("() => made.length === 2")
    assert ada.page.evaluate("made") == [[f"New message in {room}", "Grace Hopper: hello"], "closed"]


def test_what_the_server_refuses_is_said_and_tried_again_when_it_does_not_answer(
    people: People, box: Postbox, room: str
) -> None:
    """Of the server, its answers are simulated: first it refuses the subscription, then it is away."""
    ada = people.seat(**ALLOWED)
    Subscriber(ada.page, box)
    ada.page.route("**/v1/devices/*", lambda route: route.fulfill(status=422, json={"title": "not so"}))
    ada.open(room=room, **{"as": "ada"})
    expect(ada.here).to_be_visible()
    switch_on(ada, "this server does not push to this browser")
    ada.page.unroute("**/v1/devices/*")
    ada.page.route("**/v1/push", lambda route: route.abort())
    ada.page.reload()
    note = ada.page.locator("#push-note")
    expect(note).to_have_text(re.compile("the server does not answer for now"))
    ada.page.unroute("**/v1/push")
    ada.page.context.set_offline(True)
    expect(ada.page.locator("#banner")).to_be_visible()
    ada.page.context.set_offline(False)
    expect(note).to_have_text("On, even when no page is open.")


def test_what_was_read_just_before_the_page_is_left_is_read(people: People, room: str, up: Up) -> None:
    ada, alan = people.enter(room, "ada"), people.enter(room, "alan")
    expect(alan.here).to_have_text("2 here")
    ada.look_away()
    fill(up, room, "hello")
    expect(alan.status("hello")).to_have_text("Delivered")
    ada.look_back_and_leave()
    expect(alan.status("hello")).to_have_text("Read")
