"""What is sent to a browser can be opened by that browser alone: RFC 8291."""

import secrets

import pytest
from browsers import Browser, Unreadable, decoded, decrypt, encoded, point
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.encryption import MAX_BODY, MAX_PLAINTEXT, InvalidKeys, Recipient, encrypt, unpacked

PLAINTEXT = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
RECEIVER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w"
    "EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)
"""RFC 8291, section 5 and appendix A."""


def private_key(scalar: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(decoded(scalar)), ec.SECP256R1())


def recipient(browser: Browser) -> Recipient:
    return Recipient.of(**browser.subscription["keys"])


BROWSER = Browser("https://push.example.net/1")


def test_the_example_of_the_rfc_is_encrypted_byte_for_byte() -> None:
    to = Recipient.of(P256DH, AUTH)
    assert encoded(encrypt(PLAINTEXT, to, salt=decoded(SALT), private=private_key(SENDER))) == BODY


def test_the_browser_of_the_tests_opens_the_example_of_the_rfc() -> None:
    receiver = private_key(RECEIVER)
    assert encoded(point(receiver.public_key())) == P256DH
    assert decrypt(decoded(BODY), receiver, decoded(AUTH)) == PLAINTEXT


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=MAX_PLAINTEXT), st.integers(0, MAX_PLAINTEXT))
def test_whatever_is_encrypted_is_opened_and_fits(plaintext: bytes, size: int) -> None:
    body = encrypt(plaintext, recipient(BROWSER), size=size)
    assert BROWSER.open(body) == plaintext
    assert len(body) == 86 + max(len(plaintext), size) + 17 <= MAX_BODY


def test_the_largest_message_fills_what_every_service_takes() -> None:
    assert len(encrypt(bytes(MAX_PLAINTEXT), recipient(BROWSER))) == MAX_BODY


@pytest.mark.parametrize(("length", "size"), [(MAX_PLAINTEXT + 1, 0), (1, MAX_PLAINTEXT + 1)])
def test_what_does_not_fit_is_not_encrypted(length: int, size: int) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        encrypt(bytes(length), recipient(BROWSER), size=size)


def test_no_two_messages_share_salt_or_key() -> None:
    bodies = [encrypt(b"same", recipient(BROWSER)) for _ in range(20)]
    assert len({body[:16] for body in bodies}) == 20
    assert len({body[21:86] for body in bodies}) == 20


def test_another_browser_cannot_open_it() -> None:
    with pytest.raises(Unreadable):
        Browser("https://push.example.net/2").open(encrypt(b"not yours", recipient(BROWSER)))


def test_another_secret_does_not_open_it() -> None:
    with pytest.raises(Unreadable):
        decrypt(encrypt(b"not yours", recipient(BROWSER)), BROWSER.private, secrets.token_bytes(16))


@pytest.mark.parametrize("spelling", [P256DH + "=", P256DH.replace("-", "+").replace("_", "/")])
def test_keys_are_taken_with_padding_and_in_plain_base64(spelling: str) -> None:
    assert Recipient.of(spelling, AUTH + "==").point == decoded(P256DH)


OFF_THE_CURVE = encoded(b"\4" + bytes(64))
COMPRESSED = encoded(b"\2" + decoded(P256DH)[1:33])


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [
        pytest.param("", AUTH, id="no key"),
        pytest.param(P256DH, "", id="no secret"),
        pytest.param(P256DH[:-2], AUTH, id="a short key"),
        pytest.param(P256DH, AUTH[:-3], id="a short secret"),
        pytest.param(P256DH, encoded(bytes(17)), id="a long secret"),
        pytest.param(OFF_THE_CURVE, AUTH, id="not on the curve"),
        pytest.param(COMPRESSED, AUTH, id="compressed"),
        pytest.param(encoded(b"\x06" + decoded(P256DH)[1:]), AUTH, id="hybrid"),
        pytest.param("*" * 87, AUTH, id="not base64"),
        pytest.param("é" * 87, AUTH, id="not ASCII"),
        pytest.param(P256DH + "A" * 5_000, AUTH, id="long"),
    ],
)
def test_what_are_no_keys_of_a_subscription_is_refused(p256dh: str, auth: str) -> None:
    with pytest.raises(InvalidKeys):
        Recipient.of(p256dh, auth)


@pytest.mark.parametrize("text", ["a", "ab=c", "a b", "ab\n"])
def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(InvalidKeys):
        unpacked(text)
