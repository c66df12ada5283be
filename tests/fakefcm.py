"""Firebase Cloud Messaging: Google's token endpoint, the HTTP v1 API over HTTP/2 and TLS, and the phones."""

import itertools
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from androids import Android
from certificates import Authority
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fcmrules import Refused, check_grant, check_request
from fcmwords import NOT_A_TOKEN, UNAUTHENTICATED, refusal
from h1server import Http1Server, Request
from h2server import Http2Server
from pushservice import Answer, Arrival, Cut, GoAway, Reset, Silence, Step
from running import free_port

from notifier.fcm import FcmSender
from notifier.model import Device

PROJECT = "parley-test"
EMAIL = f"notifier@{PROJECT}.iam.gserviceaccount.com"
SEND = f"/v1/projects/{PROJECT}/messages:send"
LIFETIME = 3599
"""Seconds of an OAuth token."""


class FakeFcm:
    """On 127.0.0.1."""

    def __init__(self, authority: Authority, directory: Path, protocol: str = "h2") -> None:
        self.arrivals: list[Arrival] = []
        self.faults: list[str] = []
        """Why requests were refused that no script refused: Google's rules that they break."""
        self.phones: dict[str, Android] = {}
        """By device token."""
        self.tokens: dict[str, datetime] = {}
        """OAuth tokens that were given out, and when they end."""
        self.asked = 0
        """Times for an OAuth token."""
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.port = free_port()
        self.authority = authority
        self.ca_file = authority.ca_pem_file(directory)
        self.credentials_file = directory / "account.json"
        self.credentials_file.write_text(json.dumps(self.account))
        self._tls = authority.server_context(protocols=[protocol])
        self._script: deque[Step] = deque()
        self._token_script: deque[Step] = deque()
        self._numbers = itertools.count(1)
        self._serving = AsyncExitStack()
        h2 = Http2Server(self._receive, lambda _: self._accepted())
        self.server = h2 if protocol == "h2" else Http1Server(self._receive)

    @classmethod
    @asynccontextmanager
    async def serve(cls, authority: Authority | None = None, protocol: str = "h2") -> AsyncIterator[Self]:
        """`protocol` is `h2` or `http/1.1`."""
        with TemporaryDirectory() as directory:
            fake = cls(authority or Authority(), Path(directory), protocol)
            await fake.start()
            try:
                yield fake
            finally:
                await fake.stop()

    async def start(self) -> None:
        """On the same port again, after `stop`."""
        await self._serving.enter_async_context(self.server.listening(self._tls, self.port))

    async def stop(self) -> None:
        """Connections are cut, and others refused."""
        await self._serving.aclose()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        return self.server.connections

    @property
    def account(self) -> dict[str, str]:
        """The JSON key of a service account, as the console of Google Cloud gives it out."""
        secret = _key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "0123456789abcdef",
            "private_key": secret,
            "client_email": EMAIL,
            "token_uri": f"{self.url}/token",
        }

    def script(self, *steps: Step) -> None:
        self._script.extend(steps)

    def script_tokens(self, *steps: Step) -> None:
        """How the next requests for an OAuth token are answered."""
        self._token_script.extend(steps)

    def refusals(self) -> Mapping[str, Answer]:
        return {
            "bad_request": refusal(400, "INVALID_ARGUMENT", field="message.data[0].value"),
            "forbidden": refusal(403, "PERMISSION_DENIED"),
            "unregistered": refusal(404, "NOT_FOUND", "UNREGISTERED"),
            "too_large": refusal(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
            "too_many": refusal(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", {"retry-after": "30"}),
            "broken": refusal(500, "INTERNAL", "INTERNAL"),
            "unavailable": Answer(503, frames=0),
            "expired": UNAUTHENTICATED,
        }

    def limit_streams(self, most: int) -> None:
        if isinstance(self.server, Http2Server):
            self.server.limit_streams(most)

    def sender(self, *, deadline: float) -> FcmSender:
        tls = self.authority.client_context()
        return FcmSender(self.account, self.url, deadline=deadline, tls=tls, now=lambda: self.now())

    def devices(self, count: int) -> Sequence[Device]:
        first = len(self.phones)
        return [
            Device(f"d{number}", f"u{number}", "fcm", self.phone().token)
            for number in range(first, first + count)
        ]

    def phone(self) -> Android:
        """A new one, with the app on it."""
        phone = Android(f"{secrets.token_urlsafe(16)}:APA91b{secrets.token_urlsafe(100)}")
        self.phones[phone.token] = phone
        return phone

    def _receive(self, request: Request) -> Step:
        if request.path == "/token":
            self.asked += 1
            return self._token_script.popleft() if self._token_script else self._grant(request)
        if (request.method, request.path) != ("POST", SEND):
            self.faults.append(f"{request.method} {request.path}")
            return Answer(404, {"content-type": "text/html"}, b"<!DOCTYPE html><title>Error 404</title>")
        token = request.fields.get("authorization", "").removeprefix("Bearer ")
        if self.tokens.get(token, self.now()) <= self.now():
            return UNAUTHENTICATED
        return self._send(request)

    def _grant(self, request: Request) -> Step:
        try:
            check_grant(request.body, _key().public_key(), f"{self.url}/token", EMAIL, self.now())
        except Refused as refused:
            self.faults.append(refused.why)
            return Answer(400, {}, json.dumps({"error": refused.why}).encode())
        token = f"ya29.{secrets.token_urlsafe(32)}"
        self.tokens[token] = self.now() + timedelta(seconds=LIFETIME)
        granted = {"access_token": token, "expires_in": LIFETIME, "token_type": "Bearer"}
        return Answer(200, {"content-type": "application/json"}, json.dumps(granted).encode())

    def _send(self, request: Request) -> Step:
        """Whatever the script says, a message that breaks a rule is refused, and found in `faults`."""
        try:
            message = check_request(request.body)
        except Refused as refused:
            self.faults.append(refused.why)
            return refusal(400, "INVALID_ARGUMENT", field=refused.field, message=refused.why)
        phone = self.phones.get(message["token"])
        if phone is None:
            return refusal(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", message=NOT_A_TOKEN)
        if not phone.registered:
            return refusal(404, "NOT_FOUND", "UNREGISTERED")
        step = self._script.popleft() if self._script else self._accepted()
        taken = _is_taken(step)
        if taken:
            phone.take(message)
        self.arrivals.append(Arrival(message["data"]["id"], phone.token, message, request.fields, taken))
        return step

    def _accepted(self) -> Answer:
        name = f"projects/{PROJECT}/messages/0:{next(self._numbers):016d}%0000000000000000"
        return Answer(200, {"content-type": "application/json"}, json.dumps({"name": name}).encode())


@cache
def _key() -> rsa.RSAPrivateKey:
    """Of the service account; making one takes long."""
    return rsa.generate_private_key(65537, 2048)


def _is_taken(step: Step) -> bool:
    match step:
        case Answer(status=status):
            return status == 200
        case Reset(refused=refused):
            return not refused
        case GoAway(taken=taken):
            return taken
        case Silence() | Cut():
            return True
