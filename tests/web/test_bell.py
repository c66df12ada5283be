"""The bell of the demo page, and what is behind it: permission, sound, mute; by keyboard, on a phone."""

import re
import time
from typing import Any

import pytest
from playwright.sync_api import expect
from running import Up
from web.people import PHONE, People
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
from web.shade import PATIENCE

ROOMS = iter(f"chat-bell-{number}" for number in range(1000))
LOOKS: dict[str, dict[str, Any]] = {"light": {}, "dark": {"color_scheme": "dark"}, "phone": PHONE}

ASKED = """
() => {
  globalThis.asked = 0;
  const ask = Notification.requestPermission.bind(Notification);
  Notification.requestPermission = () => (globalThis.asked++, ask());
}
"""

LISTENED = """
() => {
  globalThis.played = [];
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    const played = play.call(this);
    const note = { source: new URL(this.src).pathname, volume: this.volume };
    const heard = () => globalThis.played.push({ ...note, seconds: this.duration });
    played.then(heard, () => globalThis.played.push(note));
    return played;
  };
}
"""
"""What the page plays is noted, and played as ever."""


@pytest.fixture(scope="module")
def notifies() -> bool:
    return True


@pytest.fixture
def room() -> str:
    return next(ROOMS)


def reason(up: Up, person: str, room: str) -> str:
    """Why they were pushed the newest comment or not, as soon as that is decided."""
    comment = asked(up, person, f"/v1/rooms/{room}/comments")["comments"][-1]["id"]
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for one in asked(up, person, f"/v1/comments/{comment}/notifications")["people"]:
            if one["reason"] != "waiting":
                return str(one["reason"])
        time.sleep(0.05)
    raise AssertionError("nothing was decided")


def test_nobody_is_asked_before_they_have_clicked(people: People, room: str) -> None:
    ada = people.seat()
    ada.page.add_init_script(f"({ASKED})()")
    ada.open(room=room, **{"as": "ada"})
    expect(ada.page.get_by_role("button", name="Notifications: off")).to_be_visible()
    bell(ada)
    assert ada.page.evaluate("asked") == 0
    switch = ada.page.get_by_role("switch", name="In this browser")
    expect(switch).to_have_attribute("aria-checked", "false")
    switch.click()
    expect(ada.page.locator("#push-note")).to_have_text(re.compile("^Blocked by the browser"))
    expect(switch).to_have_attribute("aria-checked", "false")
    assert ada.page.evaluate("asked") == 1


def test_a_page_out_of_sight_sounds(people: People, room: str) -> None:
    ada = people.seat()
    ada.page.add_init_script(f"({LISTENED})()")
    ada.open(room=room, **{"as": "ada"})
    grace = people.enter(room, "grace")
    write(grace, "seen")
    expect(ada.texts).to_have_text(["seen"])
    bell(ada)
    ada.page.keyboard.press("Escape")
    ada.look_away()
    write(grace, "unseen")
    ada.page.wait_for_function("() => played.length === 1")
    assert ada.page.evaluate("played") == [
        {"source": "/sounds/notification.wav", "volume": 0.3, "seconds": 0.6}
    ]


def test_a_page_whose_sound_is_switched_off_is_silent_after_a_reload_too(people: People, room: str) -> None:
    ada = people.seat()
    ada.page.add_init_script(f"({LISTENED})()")
    ada.open(room=room, **{"as": "ada"})
    grace = people.enter(room, "grace")
    bell(ada)
    sound = ada.page.get_by_role("switch", name="Sound")
    sound.click()
    expect(sound).to_have_attribute("aria-checked", "false")
    ada.page.reload()
    bell(ada)
    expect(sound).to_have_attribute("aria-checked", "false")
    ada.look_away()
    write(grace, "missed")
    expect(ada.texts).to_have_text(["missed"])
    assert ada.page.evaluate("played") == []
    sound.click()
    ada.page.wait_for_function("() => played.length === 1")


def test_where_the_browser_allows_no_sound_before_a_click_that_is_said(people: People, room: str) -> None:
    """Looking at the page counts as a click on it, the way tests do: so it is looked at afterwards."""
    grace, ada = people.enter(room, "grace"), people.seat()
    ada.open_unseen(room=room, **{"as": "ada"})
    expect(grace.here).to_have_text("2 here")
    grace.write("hello")
    expect(grace.status("hello")).to_have_text("Delivered")
    ada.look_back()
    bell(ada)
    blocked = ada.page.get_by_text("Your browser lets this page sound only after a click")
    expect(blocked).to_be_visible()
    sound = ada.page.get_by_role("switch", name="Sound")
    sound.click()
    sound.click()
    expect(blocked).to_be_hidden()


def test_a_room_is_muted_for_an_hour_and_heard_again(people: People, box: Postbox, room: str, up: Up) -> None:
    ada, subscriber = subscribed(people, box, room)
    bell(ada)
    mute = ada.page.get_by_label("Mute this room")
    mute.select_option("For an hour")
    muted = ada.page.get_by_role("button", name="Notifications: on, this room is muted")
    expect(muted).to_be_visible()
    expect(mute.locator("option:checked")).to_have_text(re.compile("^Until "))
    assert asked(up, "ada", "/v1/preferences")["rooms"][room]["mutedUntil"] is not None
    ada.page.reload()
    expect(muted).to_be_visible()
    grace = away(people, ada, room)
    write(grace, "missed")
    assert reason(up, "ada", room) == "room_muted"
    bell(ada)
    mute.select_option("No")
    expect(ada.page.get_by_role("button", name="Notifications: on", exact=True)).to_be_visible()
    assert asked(up, "ada", "/v1/preferences")["rooms"] == {}
    ada.page.goto(f"{people.url}/favicon.svg")
    write(grace, "heard")
    assert subscriber.receive()["body"].startswith("Grace Hopper: heard")


def test_all_of_it_can_be_done_by_keyboard(people: People, room: str) -> None:
    ada = people.enter(room, "ada", **ALLOWED)
    ada.page.locator("#bell").focus()
    ada.page.keyboard.press("Enter")
    names = ("push", "sound", "mute")
    for name in names:
        ada.page.keyboard.press("Tab")
        expect(ada.page.locator(f"#{name}")).to_be_focused()
    ada.page.locator("#sound").press("Space")
    expect(ada.page.get_by_role("switch", name="Sound")).to_have_attribute("aria-checked", "false")
    ada.page.keyboard.press("Escape")
    expect(ada.page.locator("#alerts")).to_be_hidden()
    expect(ada.page.locator("#bell")).to_be_focused()


@pytest.mark.parametrize("look", LOOKS)
def test_the_bell_fits_whatever_it_is_shown_on(people: People, box: Postbox, room: str, look: str) -> None:
    ada = people.seat(**ALLOWED, **LOOKS[look])
    Subscriber(ada.page, box)
    ada.open(room=room, **{"as": "ada"})
    switch_on(ada, "^On, even")
    bell(ada)
    ada.photograph(f"bell-{look}")
    assert ada.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for name in ("bell", "push", "sound", "mute"):
        expect(ada.page.locator(f"#{name}")).to_be_in_viewport(ratio=1)
