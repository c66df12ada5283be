"""The demo page while parts of the system are away: what the reader is told, and where messages go."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from front import Front
from playwright.sync_api import Browser, Route, WebSocket, expect
from processes import SECRET, Process, token
from running import running
from servers import OwnNats
from web.people import PATIENCE, PHONE, SENT, People, Screen

from parley_cli.datadir import DataDir

LISTEN = """
() => {
  window.said = [];
  const banner = document.getElementById("banner");
  const listen = () => banner.hidden || window.said.push(banner.className);
  new MutationObserver(listen).observe(banner, { attributes: true });
}
"""
"""Remembers how the banner looked whenever it was shown."""


@dataclass
class Site:
    url: str
    nats: OwnNats
    fanouts: list[Process]
    portal: BlockingPortal

    def stop_nats(self) -> None:
        self.portal.call(self.nats.kill)

    def start_nats(self) -> None:
        self.portal.call(self.nats.start)


@pytest.fixture(scope="module")
def site(servers_portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The page and comments in one process, two fanouts before it, and a NATS that can be killed."""
    wrap = servers_portal.wrap_async_context_manager
    with ExitStack() as stack:
        datadir = stack.enter_context(DataDir(tmp_path_factory.mktemp("nats")))
        nats = OwnNats(datadir)
        servers_portal.call(nats.start)
        stack.callback(servers_portal.call, nats.stop)
        told = {"PARLEY_NATS_URL": nats.url, "PARLEY_JWT_SECRET": SECRET, "PARLEY_RATE_LIMITS": "off"}
        fanouts = [Process("fanout", told) for _ in range(2)]
        for fanout in fanouts:
            stack.callback(fanout.stop)
            fanout.ready()
        up = stack.enter_context(running(tmp_path_factory.mktemp("up"), port=None, **told))
        front = stack.enter_context(wrap(Front.start(up.port, [fanout.port for fanout in fanouts])))
        yield Site(front.url, nats, fanouts, servers_portal)


@pytest.fixture
def people(browser: Browser, site: Site) -> Iterator[People]:
    people = People(browser, site.url)
    yield people
    for context in people.contexts:
        context.close()
    assert people.errors == []


def meet(people: People, room: str, *options: dict[str, Any]) -> list[Screen]:
    """Ada, Grace and whoever else in front of such screens, with one message to begin with."""
    screens = [people.seat(**option) for option in options]
    for screen, name in zip(screens, ("ada", "grace", "alan"), strict=False):
        screen.open(room=room, **{"as": name})
        expect(screen.page.get_by_text("No messages yet")).to_be_visible()
    screens[0].write("Good morning")
    for screen in screens:
        expect(screen.texts).to_have_text(["Good morning"])
        screen.page.evaluate(LISTEN)
    return screens


def said(screen: Screen) -> list[str]:
    banners: list[str] = screen.page.evaluate("window.said")
    return banners


def banner(screen: Screen, text: str) -> None:
    expect(screen.page.locator("#banner")).to_be_visible()
    expect(screen.page.locator("#banner-text")).to_have_text(text)


def quiet_again(screen: Screen) -> None:
    """The banner has said that it is over, and gone."""
    expect(screen.page.locator("#banner")).to_be_hidden()
    assert said(screen)[-1] == "banner back"


def photograph(screens: list[Screen], name: str) -> None:
    for screen, look in zip(screens, ("light", "dark", "phone"), strict=True):
        screen.photograph(f"{name}-{look}")


LOOKS: list[dict[str, Any]] = [{}, {"color_scheme": "dark"}, PHONE]


def test_a_server_that_is_replaced_is_not_noticed(people: People, site: Site) -> None:
    screens = meet(people, "chat-drain", {}, {})
    ada, grace = screens
    expected = ["Good morning"]
    for number, fanout in enumerate(site.fanouts):
        fanout.stop()
        expected += [f"{number}, from Ada", f"{number}, from Grace"]
        ada.write(expected[-2])
        expect(grace.texts).to_have_text(expected[:-1])
        grace.write(expected[-1])
        for screen in screens:
            expect(screen.texts).to_have_text(expected)
        fanout.start()
        fanout.ready()
    assert [said(screen) for screen in screens] == [[], []]


def test_while_live_events_are_away_the_reader_is_told_and_nothing_is_lost(
    people: People, site: Site
) -> None:
    screens = meet(people, "chat-late", *LOOKS)
    ada, grace, alan = screens
    site.stop_nats()
    for screen in screens:
        banner(screen, "Messages may be late. Yours are saved.")
    ada.write("one")
    expect(ada.status("one")).to_have_text(SENT)
    grace.write("two")
    alan.write("three")
    expect(alan.status("three")).to_have_text(SENT)
    photograph(screens, "chat-late")
    site.start_nats()
    for screen in screens:
        expect(screen.texts).to_have_text(["Good morning", "one", "two", "three"])
        quiet_again(screen)
        assert "banner offline" not in said(screen)


def test_without_a_server_for_sockets_messages_are_sent_and_seen_when_it_is_back(
    people: People, site: Site
) -> None:
    screens = meet(people, "chat-lost", *LOOKS)
    for fanout in site.fanouts:
        fanout.kill()
    for screen in screens:
        banner(screen, "Connection lost. Your messages are kept.")
    for number, screen in enumerate(screens):
        screen.write(f"message {number}")
        expect(screen.status(f"message {number}")).to_have_text(SENT)
    photograph(screens, "chat-lost")
    for fanout in site.fanouts:
        fanout.start()
        fanout.ready()
    for screen in screens:
        expect(screen.texts).to_have_text(["Good morning", "message 0", "message 1", "message 2"])
        quiet_again(screen)


def test_what_is_typed_while_everything_is_away_is_sent_once_and_in_order_after_a_reload(
    people: People, site: Site
) -> None:
    ada, grace = meet(people, "chat-typed", {}, {})
    texts = [f"message {number}" for number in range(5)]
    ada.page.route("**/v1/rooms/*/comments", lambda route: route.abort())
    for fanout in site.fanouts:
        fanout.kill()
    banner(ada, "Connection lost. Your messages are kept.")
    for text in texts:
        ada.write(text)
    expect(ada.status(texts[-1])).to_have_text("Sending")
    ada.page.unroute_all()
    for fanout in site.fanouts:
        fanout.start()
        fanout.ready()
    ada.page.reload()
    for screen in (ada, grace):
        expect(screen.texts).to_have_text(["Good morning", *texts])
    expect(ada.status(texts[-1])).to_have_text(SENT)


def test_a_token_that_expires_is_replaced_and_the_page_stays_connected(people: People, site: Site) -> None:
    ada = people.seat()
    given: list[str] = []

    def give(route: Route) -> None:
        given.append(token("ada", ttl=6, **{"chat-*": "rw"}))
        user = {"id": "ada", "name": "Ada Lovelace"}
        route.fulfill(json={"token": given[-1], "user": user, "expires": int(time.time()) + 6})

    ada.page.route("**/demo/session*", give)
    opened: list[WebSocket] = []
    ada.page.on("websocket", lambda socket: opened.append(socket))
    with ada.page.expect_websocket() as first:
        ada.open(room="chat-tokens", **{"as": "ada"})
    for _ in range(3):
        first.value.wait_for_event(
            "framereceived", lambda frame: '"refreshed"' in str(frame), timeout=PATIENCE
        )
    ada.write("still here")
    expect(ada.texts).to_have_text(["still here"])
    assert len(opened) == 1
