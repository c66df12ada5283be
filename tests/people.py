"""People on the sockets of real processes: what each is told, and what they ask for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import websockets
from nodes import Client
from processes import Process, token
from websockets.asyncio.client import ClientConnection

PATIENCE = 60
"""Seconds after which something that was to come is missing."""

Frame = dict[str, Any]


class Guest(Client):
    """Somebody in a room; keeps what they are told."""

    def __init__(self, socket: ClientConnection, user: str, room: str) -> None:
        super().__init__(socket)
        self.user = user
        self.room = room
        self.told: list[Frame] = []
        """Every frame that was looked at, but answers."""
        self.welcome: Frame = {}

    async def hears(self, wanted: Callable[[Frame], bool]) -> Frame:
        """The next frame that is wanted."""
        async with asyncio.timeout(PATIENCE):
            while True:
                frame = self.aside.pop(0) if self.aside else await self.receive()
                self.told.append(frame)
                if wanted(frame):
                    return frame

    async def sees(self, *users: str) -> None:
        """Until exactly these are here."""
        async with asyncio.timeout(PATIENCE):
            while self.here != set(users):
                await self.hears(lambda frame: frame["type"] == "presence")

    @property
    def here(self) -> set[str]:
        """As the state and the differences add up."""
        here: set[str] = set()
        for frame in [self.welcome, *self.told]:
            state = frame.get("presence") if frame.get("type") == "subscribed" else frame
            if state is None or frame["type"] not in ("presence", "subscribed"):
                continue
            if "people" in state:
                here = {person["user"] for person in state["people"]}
            elif "joined" in state:
                here |= {person["user"] for person in state["joined"]}
                here -= set(state["left"])
        return here

    @property
    def moves(self) -> list[tuple[str, str]]:
        """Who came and went, in order, as they were told."""
        return [
            move
            for frame in self.told
            if frame["type"] == "presence" and "joined" in frame
            for move in [
                *(("joined", person["user"]) for person in frame["joined"]),
                *(("left", user) for user in frame["left"]),
            ]
        ]


@asynccontextmanager
async def guest(fanout: Process, user: str, room: str) -> AsyncIterator[Guest]:
    """Subscribed to the room."""
    url = f"{fanout.socket_url}?token={token(user)}"
    async with websockets.connect(url, proxy=None) as socket:
        one = Guest(socket, user, room)
        assert (await one.receive())["type"] == "connected"
        one.welcome = await one.ask("subscribe", room=room)
        assert one.welcome["type"] == "subscribed"
        yield one


async def call(process: Process, user: str, method: str, path: str, **options: Any) -> Any:
    """The JSON that an HTTP request is answered with."""
    async with httpx.AsyncClient(base_url=process.url, timeout=PATIENCE) as http:
        answer = await http.request(
            method, path, headers={"Authorization": f"Bearer {token(user)}"}, **options
        )
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


async def post(comments: Process, user: str, room: str, body: str) -> Any:
    return await call(comments, user, "POST", f"/v1/rooms/{room}/comments", json={"body": body})


async def join(comments: Process, room: str, *users: str) -> None:
    for user in users:
        await call(comments, user, "POST", f"/v1/rooms/{room}/members", json={})


async def until(true: Callable[[], Any]) -> Any:
    """What `true` gives once it gives something; asked again and again."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await true()):
            await asyncio.sleep(0.05)
    return found
