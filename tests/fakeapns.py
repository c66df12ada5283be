"""Apple's push service: HTTP/2 over TLS, provider tokens, and the phones behind it."""

import json
import secrets
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self
from uuid import uuid4

from apnsrules import Account, Refused, check_fields, check_payload
from certificates import Authority
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from h1server import Request
from h2server import Http2Server
from phones import Notice, Phone
from pushservice import Answer, Arrival, Cut, GoAway, Reset, Silence, Step
from running import free_port

from notifier.apns import ApnsSender
from notifier.model import Device

TOPIC = "chat.parley.test"
GONE_SINCE = 1_700_000_000_000
"""Milliseconds since 1970, in the refusal `gone_since`."""
PREFIX = "/3/device/"


class FakeApns:
    """On 127.0.0.1."""

    def __init__(self, authority: Authority, directory: Path) -> None:
        self.arrivals: list[Arrival] = []
        self.faults: list[str] = []
        """Why requests were refused that no script refused: Apple's rules that they break."""
        self.phones: dict[str, Phone] = {}
        """By device token."""
        key = ec.generate_private_key(ec.SECP256R1())
        self.key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self.account = Account("KEY1234567", "TEAM123456", TOPIC, key.public_key())
        self.ca_file = authority.ca_pem_file(directory)
        self.port = free_port()
        self._tls = authority.server_context(protocols=["h2"])
        self._script: deque[Step] = deque()
        self._serving = AsyncExitStack()
        self.server = Http2Server(self._receive, lambda request: _accepted(request.fields))

    @classmethod
    @asynccontextmanager
    async def serve(cls, authority: Authority | None = None) -> AsyncIterator[Self]:
        with TemporaryDirectory() as directory:
            fake = cls(authority or Authority(), Path(directory))
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
    def shown(self) -> dict[str, list[Mapping[str, Any]]]:
        """What each phone shows now, by device token."""
        return {token: list(phone.notifications.values()) for token, phone in self.phones.items()}

    def script(self, *steps: Step) -> None:
        self._script.extend(steps)

    def refusals(self) -> Mapping[str, Answer]:
        return {
            "gone": _refusal(410, "Unregistered"),
            "gone_since": _refusal(410, "Unregistered", timestamp=GONE_SINCE),
            "bad_request": _refusal(400, "BadDeviceToken"),
            "forbidden": _refusal(403, "InvalidProviderToken"),
            "expired": _refusal(403, "ExpiredProviderToken"),
            "too_large": _refusal(413, "PayloadTooLarge"),
            "too_many": Answer(429, {"retry-after": "30"}, b'{"reason":"TooManyRequests"}'),
            "broken": _refusal(500, "InternalServerError"),
            "unavailable": Answer(503, frames=0),
        }

    def limit_streams(self, most: int) -> None:
        self.server.limit_streams(most)

    def sender(self, *, deadline: float, connections: int = 2) -> ApnsSender:
        return ApnsSender(
            self.url,
            self.key_pem,
            self.account.key_id,
            self.account.team_id,
            TOPIC,
            deadline=deadline,
            connections=connections,
            tls=ssl.create_default_context(cafile=self.ca_file),
        )

    def devices(self, count: int) -> Sequence[Device]:
        return [
            Device(f"d{number}", f"u{number}", "apns", self.phone().token)
            for number in range(len(self.phones), len(self.phones) + count)
        ]

    def phone(self, token: str | None = None) -> Phone:
        """A new one, with the app on it."""
        phone = Phone(token or secrets.token_hex(32))
        self.phones[phone.token] = phone
        return phone

    def _receive(self, request: Request) -> Step:
        """Whatever the script says, a request that breaks a rule is refused, and found in `faults`."""
        same = {"apns-id": request.fields.get("apns-id", str(uuid4()))}
        try:
            phone, payload = self._check(request)
        except Refused as refused:
            if refused.status != 410:
                self.faults.append(refused.reason)
            body = json.dumps({"reason": refused.reason, **refused.more}).encode()
            return Answer(refused.status, same, body)
        step = self._script.popleft() if self._script else _accepted(request.fields)
        if isinstance(step, Answer):
            step = Answer(step.status, {**same, **step.fields}, step.body, step.frames, step.delay)
        taken = _is_taken(step)
        self.arrivals.append(Arrival(same["apns-id"], phone.token, payload, request.fields, taken))
        if taken:
            expires_at = float(request.fields["apns-expiration"])
            phone.take(Notice(request.fields["apns-collapse-id"], expires_at, payload), time.time())
        return step

    def _check(self, request: Request) -> tuple[Phone, Mapping[str, Any]]:
        if request.method != "POST":
            raise Refused(405, "MethodNotAllowed")
        if not request.path.startswith(PREFIX):
            raise Refused(404, "BadPath")
        self.account.check_token(request.fields.get("authorization"))
        check_fields(request.fields, self.account.topic)
        payload = check_payload(request.fields, request.body)
        phone = self.phones.get(request.path.removeprefix(PREFIX))
        if phone is None:
            raise Refused(400, "BadDeviceToken")
        if phone.gone_since is not None:
            raise Refused(410, "Unregistered", timestamp=int(phone.gone_since * 1000))
        return phone, payload


def _accepted(fields: Mapping[str, str]) -> Answer:
    return Answer(200, {"apns-id": fields["apns-id"]}, frames=0)


def _refusal(status: int, reason: str, **more: int) -> Answer:
    return Answer(status, body=json.dumps({"reason": reason, **more}).encode())


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
