"""People with browsers, a room of theirs, and what notifier says of their pushes."""

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from browsers import Browser
from fakewebpush import FakeWebPush
from people import PATIENCE, join, until
from processes import Cluster, Process, cluster, token

from notifier.vapid import Key

DELAY = 2.0
"""Seconds: for acknowledging, reading, editing or deleting a comment before its push is decided."""

Json = dict[str, Any]


@dataclass
class Town:
    """People whose names nobody else has, a room of theirs, and their browsers' push service."""

    system: Cluster
    service: FakeWebPush
    room: str
    ann: str
    bob: str
    carl: str

    async def call(
        self, process: Process, user: str, method: str, path: str, body: object = None, rights: str = "rw"
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token(user, 86_400, **{'*': rights})}"}
        async with httpx.AsyncClient(base_url=process.url, timeout=PATIENCE) as http:
            return await http.request(method, path, json=body, headers=headers)

    async def done(self, process: Process, user: str, method: str, path: str, body: object = None) -> Json:
        answer = await self.call(process, user, method, path, body)
        assert answer.is_success, answer.text
        found: Json = answer.json() if answer.content else {}
        return found

    async def asks(self, user: str, method: str, path: str, body: object = None) -> Json:
        """Of notifier."""
        return await self.done(self.system.notifiers[0], user, method, path, body)

    async def browser(self, user: str, device: str = "browser") -> Browser:
        """A new one, registered."""
        browser = self.service.browser()
        registration = {"platform": "webpush", "subscription": browser.subscription}
        await self.asks(user, "PUT", f"/v1/devices/{device}-{user}", registration)
        return browser

    async def posts(self, user: str, body: str, **more: object) -> Json:
        """By somebody who moderates."""
        path = f"/v1/rooms/{self.room}/comments"
        answer = await self.call(
            self.system.comments[0], user, "POST", path, {"body": body, **more}, rights="rwm"
        )
        assert answer.status_code == 201, answer.text
        comment: Json = answer.json()
        return comment

    async def changes(self, user: str, comment: Json, method: str, body: object = None) -> None:
        """Edits or deletes it."""
        await self.done(self.system.comments[0], user, method, f"/v1/comments/{comment['id']}", body)

    async def why(self, user: str, comment: Json, rights: str = "rw") -> list[Json]:
        """What notifier says to the user of who was told; nothing if it does not know the comment yet."""
        path = f"/v1/comments/{comment['id']}/notifications"
        answer = await self.call(self.system.notifiers[1], user, "GET", path, rights=rights)
        if answer.status_code == 404:
            return []
        assert answer.is_success, answer.text
        people: list[Json] = answer.json()["people"]
        return people

    async def decided(self, user: str, comment: Json) -> Json:
        """The same, of the user, once it is decided and nothing is on its way."""

        async def settled() -> Json | None:
            for person in await self.why(user, comment):
                states = {device["state"] for device in person["devices"]}
                if person["reason"] != "waiting" and not states & {"waiting", "sending"}:
                    return person
            return None

        found: Json = await until(settled)
        return found


@contextmanager
def pushing(database_url: str, nats_url: str, directory: Path) -> Iterator[Cluster]:
    """Two processes of notifier and one of each other service; pushes may go to this machine."""
    key = directory / "vapid.pem"
    key.write_bytes(Key.new().pem)
    told = {
        "PARLEY_PUSH_DELAY": str(DELAY),
        "PARLEY_PUSH_INTERVAL": "0",
        "PARLEY_WEBPUSH_KEY_FILE": str(key),
        "PARLEY_WEBPUSH_SERVICES": "*",
        "PARLEY_WEBPUSH_PRIVATE": "allow",
    }
    with cluster(database_url, nats_url, told, presences=1, notifiers=2) as running:
        yield running


@asynccontextmanager
async def settled(system: Cluster) -> AsyncIterator[Town]:
    """Ann, Bob and Carl are members; whatever is sent keeps the rules of Web Push."""
    suffix = uuid.uuid4().hex[:8]
    ann, bob, carl = (f"{name}-{suffix}" for name in ("ann", "bob", "carl"))
    async with FakeWebPush.serve() as service:
        town = Town(system, service, f"room-{suffix}", ann, bob, carl)
        await join(system.comments[0], town.room, ann, bob, carl)
        yield town
        assert service.faults == []


async def shown(browser: Browser, text: str = "") -> Json:
    """The notification that it shows, once one has that text in it."""

    async def found() -> Json | None:
        for payload in browser.notifications.values():
            if text in payload["body"]:
                return dict(payload)
        return None

    payload: Json = await until(found)
    return payload


def sent_to(town: Town, browser: Browser) -> list[str]:
    """Kinds of all that was sent to it."""
    return [each.payload["type"] for each in town.service.arrivals if each.address == browser.endpoint]
