"""The browser's own EventSource, on a page of another origin, over servers that come and go."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page
from processes import Cluster, cluster, token
from web.people import PATIENCE

LISTEN = """
url => {
  const source = new EventSource(url);
  window.source = source;
  window.heard = [];
  for (const type of ["open", "subscribed", "message", "expiring", "closing", "error"]) {
    source.addEventListener(type, ({data, lastEventId}) => window.heard.push(
      {type, data: data ? JSON.parse(data) : null, id: lastEventId ?? null, state: source.readyState}
    ));
  }
}
"""
CLOSED = 2


@dataclass
class Listener:
    """A page with an EventSource, and somebody who posts to its room."""

    page: Page
    services: Cluster
    room: str

    def listen(self, *, ttl: float = 600, since: str = "") -> None:
        query = f"token={token(ttl=ttl)}" + (f"&since={since}" if since else "")
        url = f"{self.services.fanouts[0].url}/v1/rooms/{self.room}/events?{query}"
        self.page.evaluate(LISTEN, url)
        self.wait("heard.some(each => each.type === 'subscribed')")

    def post(self, count: int) -> None:
        headers = {"Authorization": f"Bearer {token('writer')}"}
        with httpx.Client(base_url=self.services.comments[0].url, headers=headers) as client:
            for number in range(count):
                path = f"/v1/rooms/{self.room}/comments"
                client.post(path, json={"body": f"text {number}"}).raise_for_status()

    def wait(self, condition: str) -> None:
        self.page.wait_for_function(condition, timeout=PATIENCE)

    def wait_for(self, offset: int) -> None:
        self.wait(f"heard.some(each => each.type === 'message' && each.data.offset >= {offset})")

    def heard(self, kind: str) -> list[Any]:
        return [each for each in self.page.evaluate("heard") if each["type"] == kind]

    @property
    def offsets(self) -> list[int]:
        return [each["data"]["offset"] for each in self.heard("message")]


@pytest.fixture
def listener(browser: Browser, database_url: str, nats_url: str) -> Iterator[Listener]:
    with cluster(database_url, nats_url, {"PARLEY_DRAIN_WINDOW": "1"}) as services:
        page = browser.new_page()
        page.goto(f"{services.comments[0].url}/healthz")
        yield Listener(page, services, uuid.uuid4().hex)
        page.close()


def test_an_eventsource_outlives_its_server_and_misses_and_repeats_nothing(listener: Listener) -> None:
    [fanout] = listener.services.fanouts
    listener.listen()
    listener.post(3)
    listener.wait_for(3)
    for posted, end in ((10, fanout.kill), (17, fanout.stop), (24, fanout.kill)):
        end()
        listener.post(4)
        fanout.start()
        fanout.ready()
        listener.post(3)
        listener.wait_for(posted)
    assert listener.offsets == list(range(1, 25))
    assert [each["id"].rpartition(":")[2] for each in listener.heard("message")] == [
        str(offset) for offset in listener.offsets
    ]
    recoveries = [each["data"]["recovered"] for each in listener.heard("subscribed")]
    assert recoveries == [False, True, True, True]
    assert {each["data"]["code"] for each in listener.heard("closing")} == {4000}
    assert listener.page.evaluate("source.readyState") == 1


def test_an_eventsource_whose_token_ends_is_told_and_another_goes_on(listener: Listener) -> None:
    listener.listen(ttl=3)
    listener.post(2)
    listener.wait(f"source.readyState === {CLOSED}")
    [expiring], [closing] = listener.heard("expiring"), listener.heard("closing")
    assert 0 < expiring["data"]["seconds"] < 3
    assert closing["data"]["code"] == 4002
    assert listener.heard("error")[-1]["state"] == CLOSED
    before, last = listener.offsets, listener.heard("message")[-1]["id"]
    listener.post(2)
    listener.listen(since=last)
    listener.wait_for(4)
    assert before + listener.offsets == [1, 2, 3, 4]
    assert listener.heard("subscribed")[0]["data"]["recovered"] is True


def test_an_eventsource_that_may_not_read_gives_up(listener: Listener) -> None:
    url = f"{listener.services.fanouts[0].url}/v1/rooms/r/events?token={token(other='r')}"
    listener.page.evaluate(LISTEN, url)
    listener.wait(f"source.readyState === {CLOSED}")
    assert [each["type"] for each in listener.page.evaluate("heard")] == ["error"]
