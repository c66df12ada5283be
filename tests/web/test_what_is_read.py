"""Ticks, what is new and what is unread, on the demo page."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect
from running import Up
from web.people import PHONE, SENT, People, Screen, fill

TALK = [
    ("ada", "Good morning, @grace"),
    ("grace", "Good morning! I have just moved our chat over. Nothing else in the app had to change."),
    ("ada", "And if my train goes into a tunnel?"),
    ("alan", "Then you go on writing, @ada."),
    ("alan", "It arrives when you are back: in order, and once."),
]
MANY = [f"message {number}" for number in range(1, 31)]
LOOKS: dict[str, dict[str, Any]] = {"light": {}, "dark": {"color_scheme": "dark"}, "phone": PHONE}


def titled(screen: Screen, title: str) -> None:
    expect(screen.page).to_have_title(title)


def test_ticks_go_from_one_to_two_to_blue(people: People) -> None:
    room = "chat-ticks"
    ada, grace = people.enter(room, "ada"), people.enter(room, "grace")
    expect(ada.here).to_have_text("2 here")
    grace.leave()
    expect(ada.here).to_have_text("Only you")
    ada.write("Are you there?")
    expect(ada.status("Are you there?")).to_have_text("Sent")
    expect(ada.ticks("Are you there?").locator(".icon.check")).to_be_visible()
    ada.photograph("ticks-sent")
    grace.open_unseen(room=room, **{"as": "grace"})
    expect(ada.status("Are you there?")).to_have_text("Delivered")
    expect(ada.ticks("Are you there?").locator(".icon.checks")).to_be_visible()
    ada.photograph("ticks-delivered")
    grace.look_back()
    expect(ada.status("Are you there?")).to_have_text("Read")
    expect(ada.ticks("Are you there?")).to_have_class("status read")
    ada.photograph("ticks-read")


def test_what_was_written_alone_is_read_once_somebody_who_joins_reads_it(people: People) -> None:
    room = "chat-alone"
    ada = people.enter(room, "ada")
    ada.write("Is this on?")
    expect(ada.status("Is this on?")).to_have_text("Sent")
    grace = people.seat()
    grace.open_unseen(room=room, **{"as": "grace"})
    expect(ada.here).to_have_text("2 here")
    expect(ada.status("Is this on?")).to_have_text("Sent")
    grace.look_back()
    expect(ada.status("Is this on?")).to_have_text("Read")
    assert grace.page.title() == "chat-alone · Parley", "to her it is not new"


def test_among_three_the_ticks_say_how_many(people: People) -> None:
    room = "chat-ticks-of-three"
    ada, grace, alan = (people.enter(room, name) for name in ("ada", "grace", "alan"))
    expect(ada.here).to_have_text("3 here")
    alan.leave()
    grace.look_away()
    ada.write("Who has this?")
    expect(ada.status("Who has this?")).to_have_text("Delivered to 1 of 2")
    grace.look_back()
    expect(ada.status("Who has this?")).to_have_text("Delivered to 1 of 2, read by 1")
    alan.open(room=room, **{"as": "alan"})
    expect(ada.status("Who has this?")).to_have_text("Read by everyone")
    ada.page.reload()
    expect(ada.status("Who has this?")).to_have_text("Read by everyone")


def met(people: People, room: str, **options: Any) -> tuple[Screen, Screen]:
    """Grace and Alan, and one message of his that she has read."""
    grace, alan = people.enter(room, "grace", **options), people.enter(room, "alan")
    expect(alan.here).to_have_text("2 here")
    alan.write("old")
    expect(alan.status("old")).to_have_text("Read")
    return grace, alan


def write(screen: Screen, *texts: str) -> None:
    for text in texts:
        screen.write(text)
        expect(screen.status(text)).to_have_text(SENT)


@pytest.mark.parametrize("look", LOOKS)
def test_whoever_comes_back_finds_a_line_above_what_is_new(people: People, look: str) -> None:
    room = f"chat-line-{look}"
    grace, alan = met(people, room, **LOOKS[look])
    grace.leave()
    write(alan, "new", "newer")
    grace.open(room=room, **{"as": "grace"})
    line = grace.page.locator(".news")
    expect(line).to_have_text("New messages")
    expect(grace.page.locator(".news + .message .text")).to_have_text("new")
    expect(alan.status("newer")).to_have_text("Read")
    write(alan, "newest")
    expect(grace.page.locator(".news + .message .text")).to_have_text("new")
    grace.photograph(f"line-{look}")
    grace.write("I have read it all.")
    expect(line).to_have_count(0)


def test_what_was_read_is_not_new_to_whoever_comes_again(people: People) -> None:
    grace, alan = met(people, "chat-line-gone")
    grace.leave()
    write(alan, "new")
    grace.open(room="chat-line-gone", **{"as": "grace"})
    expect(grace.page.locator(".news")).to_be_visible()
    expect(alan.status("new")).to_have_text("Read")
    grace.page.reload()
    expect(grace.texts).to_have_text(["old", "new"])
    expect(grace.here).to_be_visible()
    expect(grace.page.locator(".news")).to_have_count(0)


def test_whoever_missed_much_begins_where_they_had_stopped(people: People, up: Up) -> None:
    grace, alan = met(people, "chat-much")
    grace.leave()
    fill(up, "chat-much", *MANY)
    grace.open(room="chat-much", **{"as": "grace"})
    expect(grace.page.locator(".news")).to_be_in_viewport()
    expect(grace.texts.last).not_to_be_in_viewport()
    rest = grace.page.get_by_role("button", name=re.compile("new messages"))
    expect(rest).to_be_visible()
    expect(alan.status("old")).to_have_text("Read")
    expect(grace.page).to_have_title(re.compile(r"^\([12][0-9]\) chat-much · Parley$"))
    rest.click()
    expect(grace.texts.last).to_be_in_viewport()
    titled(grace, "chat-much · Parley")
    expect(grace.page.locator(".news")).to_be_attached()


def test_the_title_counts_what_comes_while_nobody_looks(people: People) -> None:
    grace, alan = met(people, "chat-title")
    titled(grace, "chat-title · Parley")
    grace.look_away()
    write(alan, "one")
    titled(grace, "(1) chat-title · Parley")
    write(alan, "two", "three")
    titled(grace, "(3) chat-title · Parley")
    expect(alan.status("three")).to_have_text("Delivered")
    grace.look_back()
    titled(grace, "chat-title · Parley")
    expect(alan.status("three")).to_have_text("Read")
    expect(grace.page.locator(".news + .message .text")).to_have_text("one")


def test_what_is_read_in_one_tab_is_read_in_the_other(people: People) -> None:
    grace, alan = met(people, "chat-tabs")
    other = Screen(grace.page.context.new_page(), grace.url)
    other.open_unseen(room="chat-tabs", **{"as": "grace"})
    grace.look_away()
    write(alan, "one", "two")
    for tab in (grace, other):
        titled(tab, "(2) chat-tabs · Parley")
    other.look_back()
    for tab in (grace, other):
        titled(tab, "chat-tabs · Parley")
    expect(alan.status("two")).to_have_text("Read")


@pytest.mark.parametrize("look", LOOKS)
def test_members_who_are_mentioned_are_marked(people: People, look: str) -> None:
    grace, alan = met(people, f"chat-mentions-{look}", **LOOKS[look])
    alan.write("@grace: ask @alan, not @nobody.")
    marked = "#messages .mention"
    for screen in (grace, alan):
        expect(screen.texts.last).to_have_text("@grace: ask @alan, not @nobody.")
        expect(screen.page.locator(marked)).to_have_text(["@grace", "@alan"])
    expect(grace.page.locator(f"{marked}.called")).to_have_text("@grace")
    expect(alan.page.locator(f"{marked}.called")).to_have_text("@alan")
    grace.photograph(f"mentions-{look}")


def test_what_is_new_in_other_rooms_is_a_click_away(people: People) -> None:
    barbara, alan = people.enter("chat-here", "barbara"), people.enter("chat-there", "alan")
    barbara.open(room="chat-there", **{"as": "barbara"})
    expect(alan.here).to_have_text("2 here")
    barbara.open(room="chat-here", **{"as": "barbara"})
    write(alan, "one", "two for @barbara")
    expect(barbara.page.locator("#elsewhere")).to_have_text("2")
    barbara.page.get_by_role("button", name="chat-here (your rooms)").click()
    there = barbara.page.get_by_role("link", name="chat-there 2 unread, you are mentioned")
    expect(there).to_be_visible()
    barbara.photograph("rooms-light")
    there.click()
    expect(barbara.texts).to_have_text(["one", "two for @barbara"])
    expect(alan.status("two for")).to_have_text("Read")
    expect(barbara.page.locator("#elsewhere")).to_be_hidden()


def test_three_people_talk(people: People) -> None:
    """The pictures of the README."""
    room = "chat-5-12"
    phone = {**PHONE, "color_scheme": "dark", "device_scale_factor": 2}
    ada, grace = people.enter(room, "ada"), people.enter(room, "grace")
    alan = people.enter(room, "alan", **phone)
    everybody = {"ada": ada, "grace": grace, "alan": alan}
    for screen in everybody.values():
        expect(screen.here).to_have_text("3 here")
    for writer, text in TALK:
        everybody[writer].write(text)
        for screen in everybody.values():
            expect(screen.texts.last).to_have_text(text)
        expect(everybody[writer].status(text)).to_have_text("Read by everyone")
    alan.look_away()
    ada.write("I shall test that at once.")
    expect(ada.status("I shall")).to_have_text("Delivered to everyone, read by 1 of 2")
    for screen, name in ((ada, "talk-light"), (alan, "talk-phone")):
        grace.page.keyboard.type("I ")
        expect(screen.page.locator("#typing")).to_have_css("opacity", "1")
        screen.photograph(name)
        alan.look_back()
