"""A push service of browsers: RFC 8030 requests, RFC 8292 senders, RFC 8291 messages that it can open.

It holds the browsers too: their private keys, what is pending for them, and what they show.
"""

import itertools
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self

from browsers import Browser, Unreadable
from certificates import Authority
from h1server import Http1Server, Request
from h2server import Http2Server
from pushservice import Answer, Arrival, Cut, GoAway, Reset, Silence, Step
from running import free_port
from webpushrules import Refused, check_fields, check_sender

from notifier.endpoints import Guard
from notifier.model import Device
from notifier.vapid import Key
from notifier.webpush import WebPushSender


class FakeWebPush:
    """On 127.0.0.1; its browsers' endpoints are `<origin>/push/<secret>`."""

    def __init__(self, authority: Authority | None, *, http2: bool, port: int) -> None:
        self.arrivals: list[Arrival] = []
        self.faults: list[str] = []
        """Why requests were refused that no script refused: rules of the RFCs that they break."""
        self.browsers: dict[str, Browser] = {}
        """By endpoint."""
        self.key = Key.new()
        """Of the application server that `sender` makes."""
        self.port = port or free_port()
        self.origin = f"{'https' if authority else 'http'}://127.0.0.1:{self.port}"
        """Its address, that endpoints begin with."""
        self._authority = authority
        self._script: deque[Step] = deque()
        self._numbers = itertools.count(1)
        self._serving = AsyncExitStack()
        self._plain = Http1Server(self._receive)
        self._multiplexed = Http2Server(self._receive, lambda _request: self._accepted())
        self._http2 = authority is not None and http2

    @classmethod
    @asynccontextmanager
    async def serve(
        cls, authority: Authority | None = None, *, http2: bool = True, port: int = 0
    ) -> AsyncIterator[Self]:
        """Plain HTTP/1.1; with an `authority` TLS and its certificate, and HTTP/2 unless told otherwise."""
        fake = cls(authority, http2=http2, port=port)
        await fake.start()
        try:
            yield fake
        finally:
            await fake.stop()

    async def start(self) -> None:
        protocols = ["h2"] if self._http2 else ["http/1.1"]
        tls = self._authority.server_context(protocols=protocols) if self._authority else None
        if self._http2 and tls:
            await self._serving.enter_async_context(self._multiplexed.listening(tls, self.port))
        else:
            await self._serving.enter_async_context(self._plain.listening(tls, self.port))

    async def stop(self) -> None:
        """Cut all connections and take no more until it is started again."""
        await self._serving.aclose()

    @property
    def connections(self) -> int:
        return self._plain.connections + self._multiplexed.connections

    def sender(self, *, deadline: float, **options: Any) -> WebPushSender:
        """`options` are what a `WebPushSender` can be given beside."""
        trusted = self._authority.client_context() if self._authority else None
        given = {"guard": Guard(["*"], private=True), "tls": trusted, **options}
        return WebPushSender(self.key, "mailto:operator@example.com", deadline=deadline, **given)

    def devices(self, count: int) -> Sequence[Device]:
        """Of new browsers, that only `sender` may send to."""
        browsers = [self.browser(self.key.public) for _ in range(count)]
        return [device(f"browser-{number}", one) for number, one in enumerate(browsers)]

    def script(self, *steps: Step) -> None:
        self._script.extend(steps)

    def browser(self, sender: str | None = None) -> Browser:
        """A new one, subscribed; `sender` is the application server's key if only that may send."""
        endpoint = f"{self.origin}/push/{secrets.token_urlsafe(16)}"
        self.browsers[endpoint] = Browser(endpoint, sender)
        return self.browsers[endpoint]

    def subscribe(self) -> dict[str, Any]:
        """What `PushManager.subscribe` gives to a page, as JSON: `endpoint` and `keys`."""
        return self.browser().subscription

    def refusals(self) -> Mapping[str, Answer]:
        """In the words of Mozilla's service."""
        return {
            "gone": _refusal(410, 106, "Request did not validate"),
            "unregistered": _refusal(404, 102, "Request did not validate"),
            "bad_request": _refusal(400, 110, "Invalid crypto keys"),
            "forbidden": _refusal(403, 109, "Unauthorized"),
            "expired": _refusal(401, 109, "Expired VAPID token"),
            "too_large": _refusal(413, 104, "Data payload too large"),
            "too_many": Answer(429, {"retry-after": "30"}),
            "broken": _refusal(500, 999, "Unknown error"),
            "unavailable": Answer(503),
        }

    def limit_streams(self, most: int) -> None:
        self._multiplexed.limit_streams(most)

    def dismiss(self) -> None:
        """GOAWAY on every HTTP/2 connection that has nothing to answer."""
        self._multiplexed.dismiss()

    def _receive(self, request: Request) -> Step:
        """Whatever the script says, a request that breaks a rule is refused, and found in `faults`."""
        browser = self.browsers.get(self.origin + request.path)
        if browser is None or browser.gone:
            return self.refusals()["gone" if browser else "unregistered"]
        try:
            payload = self._open(browser, request)
        except Refused as refused:
            self.faults.append(refused.why)
            return _refusal(refused.status, 100, refused.why)
        step = self._script.popleft() if self._script else self._accepted()
        taken = _is_taken(step)
        if taken:
            browser.take(request.fields.get("topic"), payload)
        self.arrivals.append(Arrival(payload["id"], browser.endpoint, payload, request.fields, taken))
        return step

    def _open(self, browser: Browser, request: Request) -> Mapping[str, Any]:
        if request.method != "POST":
            raise Refused(405, request.method)
        key = check_sender(request.fields.get("authorization"), self.origin)
        if browser.sender not in {None, key}:
            raise Refused(403, "subscribed with another key")
        check_fields(request.fields, request.body)
        try:
            opened: Mapping[str, Any] = json.loads(browser.open(request.body).rstrip())
        except Unreadable as why:
            raise Refused(400, str(why)) from None
        return opened

    def _accepted(self) -> Answer:
        return Answer(201, {"location": f"{self.origin}/message/{next(self._numbers)}"})


def device(name: str, browser: Browser) -> Device:
    keys = browser.subscription["keys"]
    return Device(name, f"user-of-{name}", "webpush", browser.endpoint, keys)


def _is_taken(step: Step) -> bool:
    match step:
        case Answer(status=status):
            return 200 <= status < 300
        case Reset(refused=refused):
            return not refused
        case GoAway(taken=taken):
            return taken
        case Silence() | Cut():
            return True


def _refusal(status: int, number: int, message: str) -> Answer:
    body = {"code": status, "errno": number, "error": "", "message": message}
    return Answer(status, {"content-type": "application/json"}, json.dumps(body).encode())
