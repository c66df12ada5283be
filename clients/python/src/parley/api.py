"""HTTP: one request until it is answered, refused, or out of time."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from parley.backoff import Backoff
from parley.errors import GaveUp, Refused
from parley.retry import Verdict, retry_after, verdict

Token = str | Callable[[], Awaitable[str]]
"""A JWT, or what fetches one: asked before every request and every connection, so it may cache.

It is also asked when the connection's token is about to expire: from a minute before, it gives a new one.
"""


async def fetch(token: Token) -> str:
    return token if isinstance(token, str) else await token()


class Api:
    """Retries what may pass: lost connections, 5xx, and 429 no sooner than `Retry-After` says.

    Every request it repeats must be one that the server may safely see twice.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        token: Token,
        backoff: Backoff,
        random: Callable[[], float],
        patience: float,
    ) -> None:
        self._http = http
        self._token = token
        self._backoff = backoff
        self._random = random
        self._patience = patience

    async def call(
        self, method: str, path: str, *, body: object = None, query: dict[str, int] | None = None
    ) -> Any:
        """The answer's JSON, None without content. Raise `Refused`, or `GaveUp` after `patience` seconds."""
        deadline = asyncio.get_running_loop().time() + self._patience
        trouble: BaseException | None = None
        try:
            async with asyncio.timeout_at(deadline):
                for attempt in itertools.count():
                    try:
                        return await self._attempt(method, path, body, query)
                    except _Passing as passing:
                        trouble = passing.__cause__
                        await self._pause(attempt, passing.after, deadline)
        except TimeoutError as error:
            raise GaveUp(f"{method} {path}: no answer within {self._patience:g} s") from trouble or error

    async def _attempt(self, method: str, path: str, body: object, query: dict[str, int] | None) -> Any:
        headers = {"authorization": f"Bearer {await fetch(self._token)}"}
        try:
            answer = await self._http.request(method, path, json=body, params=query, headers=headers)
        except httpx.TransportError as error:
            raise _Passing(0.0) from error
        match verdict(answer.status_code):
            case Verdict.ANSWERED:
                return answer.json() if answer.content else None
            case Verdict.REFUSED:
                raise _refusal(answer)
            case Verdict.AGAIN:
                raise _Passing(retry_after(answer.headers.get("retry-after"))) from _refusal(answer)

    async def _pause(self, attempt: int, after: float, deadline: float) -> None:
        """Raise `TimeoutError` at once when the next attempt would come too late."""
        delay = self._backoff.again(attempt, self._random(), after)
        if asyncio.get_running_loop().time() + delay > deadline:
            raise TimeoutError
        await asyncio.sleep(delay)


class _Passing(Exception):
    """Trouble that may pass; its cause says which."""

    def __init__(self, after: float) -> None:
        self.after = after
        """Seconds that the server asked to be left alone."""


def _refusal(answer: httpx.Response) -> Refused:
    """From RFC 9457 problem details; a proxy's page gives its status and reason phrase."""
    if not answer.headers.get("content-type", "").startswith("application/problem+json"):
        return Refused(answer.status_code, answer.reason_phrase, answer.text[:200])
    problem = answer.json()
    code = str(problem.get("type", "")).rsplit("/", 1)[-1]
    return Refused(answer.status_code, code, problem.get("detail") or problem.get("title") or "")
