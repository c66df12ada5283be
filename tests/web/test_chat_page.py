"""The demo page in real Chromium, against `parley up`."""

import re
import signal
from pathlib import Path

from playwright.sync_api import Route, expect
from running import Up, running
from web.people import PHONE, SENT, People, Screen, fill

INJECTION = "<img src=x onerror='window.pwned=1'><script>window.pwned=1</script>"
TALK = [
    ("grace", "Good morning! I have just moved our chat over. Nothing else in the app had to change."),
    ("ada", "And if my train goes into a tunnel?"),
    ("grace", "Then you go on writing."),
    ("grace", "It arrives when you are back: in order, and once."),
    ("ada", "I shall test that at once."),
]
PAGE = 50
"""Comments that the page loads at a time."""


def meet(people: People, room: str) -> tuple[Screen, Screen]:
    ada, grace = people.seat(), people.seat()
    ada.open(room=room, **{"as": "ada"})
    grace.open(room=room, **{"as": "grace"})
    for person in (ada, grace):
        expect(person.page.get_by_text("No messages yet")).to_be_visible()
    return ada, grace


def test_people_choose_who_they_are_and_see_each_other_write(people: People) -> None:
    ada, grace = people.seat(), people.seat(color_scheme="dark")
    ada.open()
    ada.photograph("welcome")
    ada.page.get_by_role("textbox", name="Room").fill("chat-5-12")
    ada.page.get_by_role("button", name="Ada Lovelace").click()
    grace.open(room="chat-5-12", **{"as": "grace"})
    ada.write("Good morning, Grace")
    expect(grace.texts).to_have_text(["Good morning, Grace"])
    for writer, text in TALK:
        (ada if writer == "ada" else grace).write(text)
        expect((grace if writer == "ada" else ada).texts.last).to_have_text(text)
    expect(ada.texts).to_have_text(["Good morning, Grace", *(text for _, text in TALK)])
    expect(ada.page.locator(".day")).to_have_text("Today")
    expect(ada.status("Good morning, Grace")).to_have_text(SENT)
    ada.photograph("chat-light")
    grace.photograph("chat-dark")


def test_an_own_name_will_do(people: People) -> None:
    guest = people.seat()
    guest.open(room="chat-own-name")
    guest.page.get_by_label("or under a name of your own").fill("Edsger Dijkstra")
    guest.page.keyboard.press("Enter")
    expect(guest.page.locator("#me-name")).to_have_text("Edsger Dijkstra")
    guest.write("Simplicity is prerequisite for reliability.")
    expect(guest.status("Simplicity")).to_have_text(SENT)


def test_a_message_is_shown_at_once_and_confirmed_in_place(people: People) -> None:
    ada, _ = meet(people, "chat-optimistic")
    held: list[Route] = []
    ada.page.route("**/v1/rooms/*/comments", lambda route: held.append(route))
    ada.write("on its way")
    expect(ada.status("on its way")).to_have_text("Sending")
    ada.messages.evaluate("element => { element.marked = true }")
    for route in held:
        route.continue_()
    expect(ada.status("on its way")).to_have_text(SENT)
    assert ada.messages.evaluate_all("elements => elements.map(element => element.marked)") == [True]


def test_whoever_leaves_and_returns_misses_nothing_and_sees_nothing_twice(people: People) -> None:
    ada, grace = meet(people, "chat-return")
    ada.write("one")
    expect(grace.texts).to_have_text(["one"])
    grace.page.context.set_offline(True)
    expect(grace.page.get_by_text("Offline. Your messages will be sent")).to_be_visible()
    for text in ("two", "three"):
        ada.write(text)
    grace.write("four, from a tunnel")
    expect(ada.status("three")).to_have_text(SENT)
    grace.page.context.set_offline(False)
    everything = ["one", "two", "three", "four, from a tunnel"]
    for person in (ada, grace):
        expect(person.texts).to_have_text(everything)
    grace.page.goto("about:blank")
    ada.write("five")
    grace.page.go_back()
    expect(grace.texts).to_have_text([*everything, "five"])


def test_a_killed_server_loses_nothing_and_repeats_nothing(people: People, tmp_path: Path) -> None:
    with running(tmp_path) as first:
        people.url = first.url
        ada, grace = meet(people, "chat-kill")
        ada.write("before")
        expect(grace.texts).to_have_text(["before"])
        first.end(signal.SIGKILL)
        expect(ada.page.get_by_text("Connection lost. Your messages are kept")).to_be_visible()
        ada.write("written while the server was dead")
        expect(ada.status("written while")).to_have_text("Sending")
        ada.photograph("chat-offline")
    with running(tmp_path, port=first.port):
        for person in (ada, grace):
            expect(person.texts).to_have_text(["before", "written while the server was dead"])
        expect(ada.status("written while")).to_have_text(SENT)
        grace.write("after")
        expect(ada.texts).to_have_text(["before", "written while the server was dead", "after"])


def test_what_was_not_sent_survives_a_reload(people: People) -> None:
    ada, grace = meet(people, "chat-reload")
    ada.page.route("**/v1/rooms/*/comments", lambda route: route.abort())
    ada.write("kept")
    expect(ada.status("kept")).to_have_text("Sending")
    ada.page.unroute_all()
    ada.page.reload()
    expect(ada.status("kept")).to_have_text(SENT)
    expect(grace.texts).to_have_text(["kept"])


def test_a_refused_message_says_why_and_can_be_sent_again(people: People) -> None:
    ada, grace = meet(people, "chat-refused")
    problem = {"type": "forbidden", "title": "Forbidden.", "detail": "You may only read here."}
    ada.page.route("**/comments", lambda route: route.fulfill(status=403, json=problem))
    ada.write("please")
    expect(ada.page.get_by_text("Not sent. You may only read here.")).to_be_visible()
    ada.photograph("chat-failed")
    ada.page.unroute_all()
    ada.page.get_by_role("button", name="Retry").click()
    expect(ada.status("please")).to_have_text(SENT)
    expect(grace.texts).to_have_text(["please"])


def test_older_messages_come_when_scrolling_up_and_nothing_moves(people: People, up: Up) -> None:
    fill(up, "chat-long", *(f"message {number}" for number in range(1, 131)))
    reader = people.seat()
    reader.open(room="chat-long", **{"as": "grace"})
    expect(reader.texts.last).to_have_text("message 130")
    expect(reader.texts.last).to_be_in_viewport()
    assert reader.messages.count() == PAGE
    anchor = reader.messages.filter(has=reader.page.get_by_text("message 81", exact=True))
    reader.page.evaluate("document.getElementById('log').scrollTop = 40")
    before = anchor.evaluate("element => element.getBoundingClientRect().top")
    expect(reader.messages).to_have_count(2 * PAGE)
    assert abs(anchor.evaluate("element => element.getBoundingClientRect().top") - before) < 2
    reader.page.evaluate("document.getElementById('log').scrollTop = 0")
    expect(reader.texts).to_have_text([f"message {number}" for number in range(1, 131)])
    expect(reader.page.get_by_text("This is the beginning of chat-long")).to_be_attached()


def test_whoever_reads_further_up_is_told_of_news(people: People, up: Up) -> None:
    fill(up, "chat-news", *(f"message {number}" for number in range(1, 61)))
    reader = people.seat()
    reader.open(room="chat-news", **{"as": "grace"})
    expect(reader.texts.last).to_be_in_viewport()
    reader.page.get_by_role("log").focus()
    reader.page.keyboard.press("PageUp")
    expect(reader.page.get_by_role("button", name="Newest")).to_be_visible()
    fill(up, "chat-news", "one more")
    reader.page.get_by_role("button", name="1 new message").click()
    expect(reader.texts.last).to_be_in_viewport()
    expect(reader.page.locator("#newer")).to_be_hidden()


def test_markup_is_text_whoever_sends_it(people: People) -> None:
    ada, grace = meet(people, "chat-markup")
    mallory = people.seat()
    mallory.open(room="chat-markup", **{"as": "<b>Mallory</b>"})
    for text in (INJECTION, "javascript:alert(1)"):
        mallory.write(text)
    for person in (ada, grace, mallory):
        expect(person.texts).to_have_text([INJECTION, "javascript:alert(1)"])
        assert person.page.locator("#messages :is(img, script, a, b)").count() == 0
        assert person.page.evaluate("window.pwned") is None
    expect(ada.page.locator(".author").first).to_have_text("<b>Mallory</b>")


def test_an_edit_and_a_delete_are_seen_by_the_other(people: People) -> None:
    ada, grace = meet(people, "chat-edit")
    ada.write("teh first")
    ada.write("a second")
    expect(grace.texts).to_have_text(["teh first", "a second"])
    ada.messages.first.hover()
    ada.messages.first.get_by_label("Edit message").click()
    ada.write("the first")
    expect(grace.texts.first).to_have_text("the first")
    expect(grace.messages.first.locator(".edited")).to_be_visible()
    ada.messages.last.hover()
    ada.messages.last.get_by_label("Delete message").click()
    ada.page.get_by_role("button", name="Delete", exact=True).click()
    for person in (ada, grace):
        expect(person.texts).to_have_text(["the first", "Message deleted"])
    expect(grace.page.get_by_role("button", name="Edit message")).to_have_count(0)


def test_the_keyboard_is_enough(people: People) -> None:
    ada, _ = meet(people, "chat-keys")
    keys = ada.page.keyboard
    keys.type("first line")
    keys.press("Shift+Enter")
    keys.type("second line")
    keys.press("Enter")
    expect(ada.status("first line")).to_have_text(SENT)
    assert ada.texts.first.evaluate("element => element.textContent") == "first line\nsecond line"
    keys.press("ArrowUp")
    expect(ada.page.get_by_text("Editing your message")).to_be_visible()
    keys.press("Escape")
    expect(ada.page.get_by_text("Editing your message")).to_be_hidden()
    ada.messages.first.get_by_label("Delete message").focus()
    keys.press("Enter")
    keys.press("Escape")
    expect(ada.texts).to_have_text([re.compile("first line")])


def test_a_phone_shows_the_longest_word_without_scrolling_sideways(people: People) -> None:
    phones = [people.seat(**PHONE), people.seat(**{**PHONE, "viewport": {"width": 320, "height": 568}})]
    for phone in phones:
        phone.open(room="chat-phone", **{"as": "ada"})
    phones[0].write("x" * 10_000)
    phones[0].write("Short again.")
    for phone in phones:
        expect(phone.texts).to_have_count(2)
        expect(phone.texts.last).to_be_in_viewport()
        assert phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert phone.page.locator("#log").evaluate("log => log.scrollWidth <= log.clientWidth")
    phones[0].photograph("chat-phone")


def test_too_long_a_message_is_not_sent(people: People) -> None:
    ada, _ = meet(people, "chat-too-long")
    ada.write("x" * 10_001)
    expect(ada.page.get_by_text("1 too many")).to_be_visible()
    expect(ada.page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    expect(ada.messages).to_have_count(0)
