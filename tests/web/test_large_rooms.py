"""The demo page in a room of more people than clients are told of one by one."""

import pytest
from playwright.sync_api import expect
from web.people import PHONE, People


@pytest.fixture(scope="module")
def environ() -> dict[str, str]:
    return {"PARLEY_PRESENCE_LIST": "2", "PARLEY_PRESENCE_DAMPING": "0.3"}


def test_who_is_here_is_known_of_those_who_write_and_of_members(people: People) -> None:
    room = "chat-large"
    ada, grace = people.enter(room, "ada"), people.enter(room, "grace")
    expect(ada.here).to_have_text("2 here")
    grace.write("Who else is here?")
    dot = ada.messages.filter(has_text="Who else is here?").locator(".dot")
    expect(dot).to_be_visible()
    alan, _ = people.enter(room, "alan"), people.enter(room, "barbara")
    expect(ada.here).to_have_text("4 here")
    expect(dot).to_be_visible()
    ada.page.locator("#here").click()
    expect(ada.person("Ada Lovelace")).to_have_text("You")
    for name in ("Grace Hopper", "Alan Turing", "barbara"):
        expect(ada.person(name)).to_have_text("Here")
    ada.photograph("people-large-room")
    grace.page.close()
    expect(ada.here).to_have_text("3 here")
    expect(ada.person("Grace Hopper")).to_have_text("Last seen just now")
    expect(ada.person("Alan Turing")).to_have_text("Here")
    expect(dot).to_be_hidden()
    alan.page.close()
    expect(ada.person("Alan Turing")).to_have_text("Last seen just now")
    expect(ada.here).to_have_text("2 here")
    expect(ada.person("barbara")).to_have_text("Here")
    expect(ada.person("Ada Lovelace")).to_have_text("You")


@pytest.mark.parametrize("look", ["dark", "phone"])
def test_whoever_comes_to_a_large_room_sees_who_of_the_authors_is_here(people: People, look: str) -> None:
    room = f"chat-large-{look}"
    grace, alan = people.enter(room, "grace"), people.enter(room, "alan")
    grace.write("I stay.")
    alan.write("I have to go.")
    expect(grace.texts).to_have_count(2)
    people.enter(room, "barbara")
    ada = people.enter(room, "ada", **(PHONE if look == "phone" else {"color_scheme": "dark"}))
    expect(ada.here).to_have_text("4 here")
    for text in ("I stay.", "I have to go."):
        expect(ada.messages.filter(has_text=text).locator(".dot")).to_be_visible()
    alan.page.close()
    expect(ada.messages.filter(has_text="I have to go.").locator(".dot")).to_be_hidden()
    expect(ada.messages.filter(has_text="I stay.").locator(".dot")).to_be_visible()
    ada.page.locator("#here").click()
    expect(ada.person("Alan Turing")).to_have_text("Last seen just now")
    ada.photograph(f"people-large-room-{look}")
