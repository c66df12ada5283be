"""Who is here and who is typing, on the demo page: three people, each in a browser of their own."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Error, expect
from web.people import PHONE, People

ROOMS = iter(f"chat-people-{number}" for number in range(1000))


@pytest.fixture(scope="module")
def environ() -> dict[str, str]:
    """Whoever vanishes is gone within seconds."""
    return {"PARLEY_PRESENCE_TTL": "2", "PARLEY_HEARTBEAT_SECONDS": "0.5", "PARLEY_PRESENCE_DAMPING": "0.3"}


@pytest.fixture
def room() -> str:
    return next(ROOMS)


def test_whoever_comes_is_shown_as_here_and_whoever_leaves_is_not(people: People, room: str) -> None:
    ada = people.enter(room, "ada")
    expect(ada.here).to_have_text("Only you")
    grace = people.enter(room, "grace")
    expect(ada.here).to_have_text("2 here")
    grace.write("hello")
    dot = ada.messages.filter(has_text="hello").locator(".dot")
    expect(dot).to_be_visible()
    people.enter(room, "alan")
    for screen in (ada, grace):
        expect(screen.page.get_by_role("button", name="3 here: ")).to_be_visible()
    grace.page.close()
    expect(ada.here).to_have_text("2 here")
    expect(dot).to_be_hidden()


def test_the_list_says_since_when_people_are_away(people: People, room: str) -> None:
    ada, grace = people.enter(room, "ada"), people.enter(room, "grace")
    alan = people.enter(room, "alan")
    for screen in (ada, grace, alan):
        expect(screen.here).to_have_text("3 here")
    ada.page.locator("#here").click()
    expect(ada.person("Ada Lovelace")).to_have_text("You")
    expect(ada.person("Grace Hopper")).to_have_text("Here")
    expect(ada.person("Alan Turing")).to_have_text("Here")
    grace.page.close()
    expect(ada.here).to_have_text("2 here")
    expect(ada.person("Grace Hopper")).to_have_text("Last seen just now")
    ada.photograph("people-light")
    ada.page.keyboard.press("Escape")
    expect(ada.page.locator("#crowd")).to_be_hidden()
    expect(ada.page.locator("#here")).to_be_focused()


def test_whoever_vanishes_without_a_word_is_gone_soon(
    people: People, room: str, chromium: Callable[[], Browser]
) -> None:
    ada = people.enter(room, "ada")
    doomed = chromium()
    doomed.new_page().goto(f"{people.url}/?room={room}&as=grace")
    expect(ada.here).to_have_text("2 here")
    with pytest.raises(Error):
        doomed.new_browser_cdp_session().send("Browser.crash")
    expect(ada.here).to_have_text("Only you")


def test_two_windows_of_one_person_are_one_person(people: People, room: str) -> None:
    ada, grace = people.enter(room, "ada"), people.enter(room, "grace")
    second = people.enter(room, "grace")
    expect(second.here).to_have_text("2 here")
    grace.page.close()
    alan = people.enter(room, "alan")
    for screen in (ada, second, alan):
        expect(screen.here).to_have_text("3 here")
    second.page.close()
    expect(ada.here).to_have_text("2 here")


def test_typing_is_shown_fades_and_moves_nothing(people: People, room: str) -> None:
    ada, grace, alan = (people.enter(room, name) for name in ("ada", "grace", "alan"))
    for screen in (ada, grace, alan):
        expect(screen.here).to_have_text("3 here")
    line = ada.page.locator("#typing")
    before = ada.page.locator("#composer").bounding_box()
    grace.page.keyboard.type("so")
    expect(line).to_have_class(re.compile("shown"))
    expect(line).to_have_text("Grace Hopper is typing…")
    expect(ada.page.locator("#typing-aloud")).to_have_text("Grace Hopper is typing…")
    assert ada.page.locator("#composer").bounding_box() == before
    expect(grace.page.locator("#typing")).not_to_have_class(re.compile("shown"))
    expect(line).not_to_have_class(re.compile("shown"))
    expect(line).to_have_css("opacity", "0")


def test_several_are_typing_and_a_message_ends_it(people: People, room: str) -> None:
    ada, grace, alan = (people.enter(room, name) for name in ("ada", "grace", "alan"))
    for screen in (ada, grace, alan):
        expect(screen.here).to_have_text("3 here")
    line = ada.page.locator("#typing-text")
    grace.page.keyboard.type("I")
    alan.page.keyboard.type("I")
    expect(line).to_have_text("Grace Hopper, Alan Turing are typing…")
    grace.page.keyboard.press("Enter")
    expect(ada.texts).to_have_text(["I"])
    expect(line).not_to_have_text(re.compile("Grace"))


def test_a_phone_shows_who_is_here(people: People, room: str) -> None:
    phone = people.enter(room, "ada", **PHONE, color_scheme="dark")
    people.enter(room, "grace").write("hello")
    expect(phone.here).to_have_text("2 here")
    phone.page.locator("#here").tap()
    expect(phone.person("Grace Hopper")).to_have_text("Here")
    phone.photograph("people-phone")
    assert phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_whoever_looks_away_is_idle_until_they_look_back(people: People, room: str) -> None:
    ada, grace = people.enter(room, "ada"), people.enter(room, "grace")
    grace.write("hello")
    dot = ada.messages.filter(has_text="hello").locator(".dot")
    expect(dot).to_have_class("dot active")
    grace.look_away()
    expect(dot).to_have_class("dot idle")
    ada.page.locator("#here").click()
    expect(ada.person("Grace Hopper")).to_have_text("Idle")
    grace.look_back()
    expect(dot).to_have_class("dot active")
    expect(ada.person("Grace Hopper")).to_have_text("Here")
