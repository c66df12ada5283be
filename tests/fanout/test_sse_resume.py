"""Streams of real processes that are left, killed and drained: nothing is missing, repeated or reordered."""

import asyncio
import json
import random
import signal
import uuid
from contextlib import aclosing

import httpx
from eventsource import EventSource, Message
from processes import Cluster, Process, cluster, token

END = "the end"
PATIENCE = 100
"""Seconds after which something that was to come is missing."""


class Follower:
    """Reads a room until its end; it leaves now and then, and goes on at any server."""

    def __init__(self, urls: list[str], room: str, seed: int) -> None:
        self.source = EventSource(urls[0], token(), room)
        self.offsets: list[int] = []
        self.recoveries: list[bool] = []
        self.begun = asyncio.Event()
        self._urls = urls
        self._random = random.Random(seed)

    async def follow(self) -> None:
        while not await self._visit(self._random.randrange(1, 25)):
            self.source.url = self._random.choice(self._urls)

    async def _visit(self, stay: int) -> bool:
        """Read so many messages; whether the end was among them."""
        async with aclosing(self.source.messages()) as messages:
            async for message in messages:
                stay -= 1
                if self._take(message):
                    return True
                if stay <= 0:
                    return False
        raise AssertionError("it was refused")

    def _take(self, message: Message) -> bool:
        if message.type == "error":
            self.source.url = self._random.choice(self._urls)
            self.source.retry = min(self.source.retry, 100)
        if message.type == "subscribed":
            self.recoveries.append(json.loads(message.data)["recovered"])
            self.begun.set()
        if message.type != "message":
            return False
        event = json.loads(message.data)
        assert message.id.endswith(f":{event['offset']}")
        self.offsets.append(event["offset"])
        return bool(event.get("body") == END)


async def post(client: httpx.AsyncClient, room: str, body: str) -> int:
    answer = await client.post(f"/v1/rooms/{room}/comments", json={"body": body})
    offset: int = answer.raise_for_status().json()["offset"]
    return offset


async def disturb(process: Process, number: signal.Signals) -> None:
    """A crash or a stop, and a start on the same port."""
    await asyncio.to_thread(process.kill if number == signal.SIGKILL else process.stop)
    process.start()
    await asyncio.to_thread(process.ready)


async def talk(services: Cluster, room: str, posts: int) -> int:
    """Post at a lively pace while one server after the other goes; give the last event's offset."""
    faults = {posts // 4: signal.SIGKILL, posts // 2: signal.SIGTERM, posts * 3 // 4: signal.SIGKILL}
    headers = {"Authorization": f"Bearer {token('writer')}"}
    async with (
        httpx.AsyncClient(base_url=services.comments[0].url, headers=headers) as client,
        asyncio.TaskGroup() as group,
    ):
        for number in range(posts):
            await post(client, room, f"text {number}")
            if number in faults:
                victim = services.fanouts[len(faults) % 2]
                group.create_task(disturb(victim, faults.pop(number)))
    async with httpx.AsyncClient(base_url=services.comments[0].url, headers=headers) as client:
        return await post(client, room, END)


async def test_whoever_leaves_and_comes_back_reads_the_whole_log_once(
    database_url: str, nats_url: str
) -> None:
    room = uuid.uuid4().hex
    with cluster(database_url, nats_url, {"PARLEY_DRAIN_WINDOW": "1"}, fanouts=2) as services:
        urls = [process.url for process in services.fanouts]
        followers = [Follower(urls, room, number) for number in range(12)]
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            for follower in followers:
                group.create_task(follower.follow())
            for follower in followers:
                await follower.begun.wait()
            end = await talk(services, room, 200)
    for follower in followers:
        assert follower.offsets == list(range(1, end + 1))
        assert follower.recoveries == [False] + [True] * (len(follower.recoveries) - 1)
    assert sum(len(follower.recoveries) for follower in followers) > 100
