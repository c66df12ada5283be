"""Whoever sends says who it is, to each push service in its own name: RFC 8292."""

import json

import pytest
from browsers import decoded, encoded
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from webpushrules import DAY, Refused, check_sender

from notifier import vapid
from notifier.endpoints import Origin, read
from notifier.vapid import FRESH, LIFE, InvalidKey, Key, Vapid

NOW = 1_800_000_000.0
MOZILLA = Origin("https", "updates.push.services.mozilla.com", 443)
CONTACT = "mailto:operator@example.com"
KEY = Key.new()


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def signer(clock: Clock) -> Vapid:
    return Vapid(KEY, CONTACT, clock=clock)


def claims(header: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(decoded(header.split(".")[1]))
    return found


def test_the_check_of_the_tests_takes_the_example_of_the_rfc() -> None:
    token = (
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1"
        "MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfn"
        "K9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA"
    )
    key = "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
    assert check_sender(f"vapid t={token}, k={key}", "https://push.example.net", 1453523768 - DAY) == key
    with pytest.raises(Refused, match="another key"):
        check_sender(f"vapid t={token[:-4]}AAAA, k={key}", "https://push.example.net", 1453523768 - DAY)


@pytest.mark.parametrize(
    ("endpoint", "audience"),
    [
        ("https://fcm.googleapis.com/fcm/send/abc", "https://fcm.googleapis.com"),
        ("https://fcm.googleapis.com:443/fcm/send/abc", "https://fcm.googleapis.com"),
        ("https://push.example.net:8443/1", "https://push.example.net:8443"),
        ("https://PUSH.Example.net.:8443/1", "https://push.example.net:8443"),
        ("http://127.0.0.1:80/1", "http://127.0.0.1"),
        ("http://127.0.0.1:443/1", "http://127.0.0.1:443"),
        ("https://[::1]:8443/1", "https://[::1]:8443"),
    ],
)
def test_the_audience_is_the_origin_with_its_port(signer: Vapid, endpoint: str, audience: str) -> None:
    header = signer.header(read(endpoint).origin)
    assert check_sender(header, audience, NOW) == KEY.public
    assert claims(header)["sub"] == CONTACT


def test_each_service_gets_its_own_signature_whichever_came_first(signer: Vapid) -> None:
    origins = [
        MOZILLA,
        Origin("https", "web.push.apple.com", 443),
        Origin("https", "web.push.apple.com", 8443),
    ]
    for origin in [*origins, *reversed(origins)]:
        assert claims(signer.header(origin))["aud"] == str(origin)


def test_a_signature_is_kept_for_half_its_life(signer: Vapid, clock: Clock) -> None:
    first = signer.header(MOZILLA)
    clock.now += LIFE / 2 - 1
    assert signer.header(MOZILLA) == first
    clock.now += 1
    assert signer.header(MOZILLA) != first


@pytest.mark.parametrize("later", [0, LIFE / 2 - 1, LIFE / 2, 10 * LIFE])
def test_whenever_it_is_asked_for_a_signature_is_valid_for_hours_and_not_for_more_than_a_day(
    signer: Vapid, clock: Clock, later: float
) -> None:
    signer.header(MOZILLA)
    clock.now += later
    header = signer.header(MOZILLA)
    check_sender(header, str(MOZILLA), clock.now)
    check_sender(header, str(MOZILLA), clock.now + LIFE / 2 - 1)


def test_a_clock_that_is_set_back_leads_to_a_new_signature(signer: Vapid, clock: Clock) -> None:
    signer.header(MOZILLA)
    clock.now -= DAY
    check_sender(signer.header(MOZILLA), str(MOZILLA), clock.now)


def test_a_refused_signature_is_made_anew_once(signer: Vapid, clock: Clock) -> None:
    refused = signer.header(MOZILLA)
    clock.now += 1
    signer.forget(MOZILLA, refused)
    renewed = signer.header(MOZILLA)
    assert renewed != refused
    signer.forget(MOZILLA, refused)
    assert signer.header(MOZILLA) == renewed


def test_a_signature_is_fresh_for_a_moment(signer: Vapid, clock: Clock) -> None:
    header = signer.header(MOZILLA)
    assert signer.is_fresh(MOZILLA, header)
    clock.now += FRESH
    assert not signer.is_fresh(MOZILLA, header)
    assert not signer.is_fresh(MOZILLA, "another")


def test_however_many_origins_users_think_of_few_signatures_are_kept(
    signer: Vapid, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vapid, "MAX_ORIGINS", 2)
    origins = [Origin("https", f"push-{number}.example.net", 443) for number in range(3)]
    first = [signer.header(origin) for origin in origins]
    clock.now += 1
    assert [
        signer.header(origin) == before for origin, before in zip(origins[1:], first[1:], strict=True)
    ] == [
        True,
        True,
    ]
    assert signer.header(origins[0]) != first[0]


def test_a_key_is_the_same_after_it_was_written_and_read() -> None:
    assert Key.load(KEY.pem).public == KEY.public
    assert KEY.pem.startswith(b"-----BEGIN PRIVATE KEY-----\n")


def test_the_public_key_is_an_uncompressed_point() -> None:
    point = decoded(KEY.public)
    assert (len(point), point[0]) == (65, 4)
    assert encoded(point) == KEY.public


def pem(key: PrivateKeyTypes, encryption: KeySerializationEncryption | None = None) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def public_pem() -> bytes:
    return KEY.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", id="garbage"),
        pytest.param(pem(rsa.generate_private_key(65537, 2048)), id="RSA"),
        pytest.param(pem(ec.generate_private_key(ec.SECP384R1())), id="another curve"),
        pytest.param(pem(KEY.private, BestAvailableEncryption(b"secret")), id="with a passphrase"),
        pytest.param(public_pem(), id="a public key"),
    ],
)
def test_what_is_no_private_key_of_p256_is_refused_without_repeating_it(data: bytes) -> None:
    with pytest.raises(InvalidKey, match="Not a private key of P-256"):
        Key.load(data)
