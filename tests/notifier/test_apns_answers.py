"""What Apple's answers mean, and when a new token is shown."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from notifier.apns_answers import expired, outcome
from notifier.apns_token import ProviderToken, shared
from notifier.sender import Delivered, Gone, Outcome, Rejected, Retry
from notifier.wire import Response

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ID = "0b7e0f6e-0f9c-4a55-8d3c-0f3a3c5a9f00"


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


KEY = ec.generate_private_key(ec.SECP256R1())
KEY_PEM = pem(KEY)


def said(status: int, body: str = "", **named: str) -> Response:
    return Response(status, {name.replace("_", "-"): value for name, value in named.items()}, body.encode())


def meaning(response: Response, *, own_topic: bool = True) -> Outcome:
    return outcome(response, NOW, own_topic=own_topic)


@pytest.mark.parametrize(
    ("response", "means"),
    [
        (said(200, apns_id=ID), Delivered(ID)),
        (said(200, apns_id="\x1b[2J"), Delivered("")),
        (said(410, '{"reason":"Unregistered"}'), Gone(None, "410 Unregistered")),
        (said(410, '{"reason":"ExpiredToken"}'), Gone(None, "410 ExpiredToken")),
        (said(410), Gone(None, "410")),
        (said(400, '{"reason":"BadDeviceToken"}'), Rejected("400 BadDeviceToken")),
        (said(400, '{"reason":"DeviceTokenNotForTopic"}'), Rejected("400 DeviceTokenNotForTopic")),
        (said(400, '{"reason":"TopicDisallowed"}'), Rejected("400 TopicDisallowed", ours=True)),
        (said(400, '{"reason":"IdleTimeout"}'), Retry(1, "400 IdleTimeout")),
        (said(403, '{"reason":"InvalidProviderToken"}'), Rejected("403 InvalidProviderToken", ours=True)),
        (said(404, '{"reason":"BadPath"}'), Rejected("404 BadPath", ours=True)),
        (said(405, '{"reason":"MethodNotAllowed"}'), Rejected("405 MethodNotAllowed", ours=True)),
        (said(413, '{"reason":"PayloadTooLarge"}'), Rejected("413 PayloadTooLarge")),
        (said(429, '{"reason":"TooManyRequests"}'), Retry(10, "429 TooManyRequests")),
        (said(429, retry_after="120"), Retry(120, "429")),
        (said(429, retry_after="Sun, 01 Mar 2026 12:00:30 GMT"), Retry(30, "429")),
        (said(500, "<html>"), Retry(1, "500")),
        (said(503), Retry(1, "503")),
        (said(503, '{"reason":"a\\nb"}', retry_after="soon"), Retry(1, "503")),
        (said(418, "[]"), Rejected("418")),
        (said(400, '{"reason":["BadTopic"]}'), Rejected("400")),
    ],
    ids=lambda value: f"{value.status} {value.body[:30]!r}" if isinstance(value, Response) else "",
)
def test_an_answer_means(response: Response, means: Outcome) -> None:
    assert meaning(response) == means


def test_a_topic_that_a_device_names_is_not_our_configuration() -> None:
    answer = said(400, '{"reason":"TopicDisallowed"}')
    assert meaning(answer, own_topic=False) == Rejected("400 TopicDisallowed", ours=False)


@pytest.mark.parametrize(
    ("timestamp", "since"),
    [
        ("1700000000123", datetime(2023, 11, 14, 22, 13, 20, 123000, UTC)),
        ("-1", None),
        ("0", None),
        ("1e400", None),
        ("10000000000000000000000", None),
        ('"1700000000123"', None),
        ("null", None),
    ],
)
def test_a_device_is_gone_since_the_time_that_apple_gives(timestamp: str, since: datetime | None) -> None:
    answer = said(410, f'{{"reason":"Unregistered","timestamp":{timestamp}}}')
    assert meaning(answer) == Gone(since, "410 Unregistered")


@given(status=st.integers(100, 999), body=st.binary(max_size=200), pause=st.text(max_size=40))
def test_every_answer_means_something(status: int, body: bytes, pause: str) -> None:
    answer = Response(status, {"retry-after": pause, "apns-id": pause}, body)
    assert isinstance(meaning(answer), Delivered | Retry | Gone | Rejected)
    assert expired(answer) is False or status == 403


# The token


class Clock:
    def __init__(self) -> None:
        self.time = NOW

    def __call__(self) -> float:
        return self.time.timestamp()

    def go(self, minutes: float) -> None:
        self.time += timedelta(minutes=minutes)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def token(clock: Clock) -> ProviderToken:
    return ProviderToken(KEY_PEM, "KEY1234567", "TEAM123456", clock)


def test_a_token_says_who_sends_and_when_it_was_made(token: ProviderToken) -> None:
    current = token.current()
    assert jwt.get_unverified_header(current) == {"alg": "ES256", "kid": "KEY1234567", "typ": "JWT"}
    claims = jwt.decode(current, KEY.public_key(), ["ES256"], options={"verify_iat": False})
    assert claims == {"iss": "TEAM123456", "iat": int(NOW.timestamp())}


def test_a_token_is_replaced_between_forty_and_fifty_minutes(token: ProviderToken, clock: Clock) -> None:
    first = token.current()
    clock.go(40)
    assert token.current() == first
    clock.go(10)
    assert token.current() != first


@given(st.lists(st.floats(0, 30), min_size=1, max_size=200))
def test_tokens_that_time_makes_old_are_never_made_more_often_than_every_twenty_minutes(
    pauses: list[float],
) -> None:
    clock = Clock()
    token = ProviderToken(KEY_PEM, "k", "t", clock)
    made = {token.current(): clock.time}
    for pause in pauses:
        clock.go(pause)
        made.setdefault(token.current(), clock.time)
    times = list(made.values())
    assert all(later - earlier >= timedelta(minutes=20) for earlier, later in pairwise(times))


def test_a_token_from_the_future_is_replaced(token: ProviderToken, clock: Clock) -> None:
    first = token.current()
    clock.go(-0.5)
    assert token.current() == first
    clock.go(-60)
    assert token.current() != first


def test_of_many_that_had_the_same_token_refused_the_first_makes_a_new_one(token: ProviderToken) -> None:
    first = token.current()
    assert {token.renewed(first) for _ in range(5)} == {token.current()} != {first}


def test_a_new_token_that_is_refused_as_well_is_kept_for_twenty_minutes(
    token: ProviderToken, clock: Clock
) -> None:
    second = token.renewed(token.current())
    assert second is not None
    assert token.renewed(second) is None
    clock.go(20)
    assert token.renewed(second) not in {None, second}


def test_a_key_has_one_token_in_the_process() -> None:
    assert shared(KEY_PEM, "k", "t") is shared(KEY_PEM, "k", "t")


@pytest.mark.parametrize(
    "key",
    ["", "no key", pem(ec.generate_private_key(ec.SECP384R1())), pem(rsa.generate_private_key(65537, 2048))],
    ids=["nothing", "text", "P-384", "RSA"],
)
def test_a_key_of_another_kind_is_said_at_once(key: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ProviderToken(key, "k", "t")
