"""Those who post: one comment after the other, each repeated under its key until the server has an answer."""

import asyncio
import itertools
import random
import time

import httpx
from faults.history import Acknowledged, Attempt, Failed, Recorder
from faults.tokens import Tokens

from parley import Backoff
from parley.retry import Verdict, retry_after, verdict

ATTEMPT = 6.0
"""Seconds for one try: a SIGSTOP of 5 s may pass within it."""

BACKOFF = Backoff(first=0.1, cap=1.0)

TWICE = 0.03
"""The share of comments that are sent again although they were acknowledged."""


class Poster:
    """One person, who writes to all rooms at a pace; an outage is waited for, not skipped."""

    def __init__(
        self, name: str, url: str, rooms: list[str], recorder: Recorder, tokens: Tokens, rate: float
    ) -> None:
        """`rate` is in comments per second."""
        self.name = name
        self.enough = asyncio.Event()
        self.acknowledged = 0
        self._rooms = rooms
        self._url = url
        self._recorder = recorder
        self._tokens = tokens
        self._pause = 1 / rate
        self._chance = random.Random(name)

    async def run(self) -> None:
        """Post until it is enough; what was begun is brought to its end."""
        async with httpx.AsyncClient(base_url=self._url, timeout=ATTEMPT) as http:
            for number in itertools.count():
                if self.enough.is_set():
                    return
                await self._post(http, self._chance.choice(self._rooms), f"{self.name}-{number}")
                await asyncio.sleep(self._chance.uniform(0, 2 * self._pause))

    async def _post(self, http: httpx.AsyncClient, room: str, key: str) -> None:
        for attempt in itertools.count():
            after = await self._try(http, room, key)
            if after is None:
                break
            await asyncio.sleep(max(after, BACKOFF.delay(attempt, self._chance.random())))
        self.acknowledged += 1
        if self._chance.random() < TWICE:
            await self._try(http, room, key)

    async def _try(self, http: httpx.AsyncClient, room: str, key: str) -> float | None:
        """None once it is acknowledged, else the seconds that the server wants to be left alone."""
        self._recorder.note(Attempt(key, room, time.monotonic()))
        try:
            answer = await http.post(
                f"/v1/rooms/{room}/comments",
                json={"body": f"this is {key}", "clientId": key},
                headers={"Authorization": f"Bearer {self._tokens.sign(self.name)}"},
            )
        except httpx.TransportError as error:
            self._recorder.note(Failed(key, room, type(error).__name__, time.monotonic()))
            return 0.0
        if verdict(answer.status_code) is Verdict.ANSWERED:
            self._recorder.note(acknowledged(key, room, answer))
            return None
        self._recorder.note(Failed(key, room, str(answer.status_code), time.monotonic()))
        return retry_after(answer.headers.get("retry-after"))


def acknowledged(key: str, room: str, answer: httpx.Response) -> Acknowledged:
    comment = answer.json()
    return Acknowledged(key, room, comment["id"], comment["offset"], answer.status_code, time.monotonic())
