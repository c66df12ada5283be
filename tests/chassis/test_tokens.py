"""A token verifies with the right key of the right kind, and with nothing else."""

import asyncio
import base64
import gc
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt import PyJWS
from jwt.algorithms import get_default_algorithms

from chassis import jwks as module
from chassis.auth import InvalidToken, TokenExpired, Verifier, sign
from chassis.jwks import AGAIN, MAX_AGE, Jwks, choose, parse
from chassis.tokens import MAX_CACHED, MAX_TOKEN

SECRET = "a secret of at least 32 bytes for HS256"
NOW = 1_700_000_000
MAKERS: dict[str, Any] = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}
MAKERS["RS384"] = MAKERS["RS512"] = MAKERS["RS256"]


@dataclass(frozen=True)
class Pair:
    """Both halves of a key, as the host app has them."""

    private: Any
    alg: str
    kid: str

    def jwk(self, **changes: Any) -> dict[str, Any]:
        public: Any = self.private.public_key()
        return {**get_default_algorithms()[self.alg].to_jwk(public, as_dict=True), "kid": self.kid, **changes}

    def token(self, alg: str | None = None, kid: str | None = "", **claims: Any) -> str:
        """`kid=None` leaves the header out, "" is this key's own."""
        headers = {} if kid is None else {"kid": kid or self.kid}
        return PyJWS().encode(payload(**claims), self.private, alg or self.alg, headers)


@cache
def pair(alg: str, kid: str = "k1") -> Pair:
    return Pair(MAKERS[alg](), alg, kid)


def payload(**claims: Any) -> bytes:
    return json.dumps({"sub": "u1", "exp": NOW + 60, "rooms": {"*": "r"}} | claims).encode()


def compact(header: dict[str, Any], signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), payload(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@dataclass
class HostApp:
    """Serves a key set over real HTTP, and counts how often it is asked."""

    document: bytes = b'{"keys": []}'
    status: str = "200 OK"
    asked: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    def publish(self, *keys: dict[str, Any]) -> None:
        self.document = json.dumps({"keys": keys}).encode()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (await reader.readline()).strip():
            pass
        self.asked += 1
        await self.gate.wait()
        head = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.document)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + self.document)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def app(port: int) -> AsyncIterator[HostApp]:
    host = HostApp(url=f"http://127.0.0.1:{port}/keys")
    host.gate.set()
    async with await asyncio.start_server(host.answer, "127.0.0.1", port):
        yield host


@pytest.fixture
async def keys(app: HostApp, clock: Clock) -> AsyncIterator[Jwks]:
    fetched = Jwks(app.url, clock=clock)
    yield fetched
    await fetched.close()


@pytest.fixture
def verifier(keys: Jwks, clock: Clock) -> Verifier:
    """Accepts both kinds of token, so that one may try to pass as the other."""
    return Verifier(secret=SECRET, jwks=keys, clock=clock)


@pytest.fixture
def shared(clock: Clock) -> Verifier:
    return Verifier(secret=SECRET, clock=clock)


async def test_a_signed_token_says_who_is_calling(shared: Verifier) -> None:
    token = sign(SECRET, "u1", name="User One", avatar="https://e.com/1.png", rooms={"chat-*": "rw"}, now=NOW)
    caller = await shared.verify(token)
    assert (caller.user, caller.name, caller.avatar, caller.expires) == (
        "u1",
        "User One",
        "https://e.com/1.png",
        NOW + 3600,
    )
    assert caller.may("w", "chat-5")


@pytest.mark.parametrize("alg", sorted(MAKERS))
async def test_every_asymmetric_algorithm_verifies_with_its_published_key(
    alg: str, app: HostApp, verifier: Verifier
) -> None:
    app.publish(pair("ES256", "other").jwk(), pair(alg).jwk())
    assert (await verifier.verify(pair(alg).token())).user == "u1"


@pytest.mark.parametrize("alg", sorted(MAKERS))
async def test_a_signature_by_another_key_is_refused(alg: str, app: HostApp, verifier: Verifier) -> None:
    app.publish(pair(alg).jwk())
    with pytest.raises(InvalidToken):
        await verifier.verify(pair(alg, "impostor").token(kid="k1"))


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "", "HS512", "hs256", "PS256", "ES256K", None, 5, ["HS256"]]
)
async def test_no_other_algorithm_is_accepted(alg: Any, verifier: Verifier) -> None:
    with pytest.raises(InvalidToken):
        await verifier.verify(compact({"alg": alg, "typ": "JWT"}, b"signature"))


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
async def test_a_public_key_is_not_taken_for_the_shared_secret(
    alg: str, app: HostApp, verifier: Verifier, keys: Jwks
) -> None:
    app.publish(pair(alg).jwk())
    public = pair(alg).private.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signing_input = compact({"alg": "HS256", "kid": "k1"}).rpartition(".")[0]
    signature = get_default_algorithms()["HS256"].sign(signing_input.encode(), pem)
    forged = f"{signing_input}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    for each in (verifier, Verifier(jwks=keys)):
        with pytest.raises(InvalidToken):
            await each.verify(forged)


async def test_a_published_symmetric_key_is_never_used(app: HostApp, verifier: Verifier) -> None:
    known = base64.urlsafe_b64encode(b"k" * 32).decode()
    app.publish({"kty": "oct", "kid": "k1", "k": known, "alg": "HS256"})
    with pytest.raises(InvalidToken):
        await verifier.verify(sign("k" * 32, "u1", now=NOW))


async def test_a_shared_secret_alone_accepts_no_asymmetric_token(shared: Verifier) -> None:
    with pytest.raises(InvalidToken):
        await shared.verify(pair("RS256").token())


async def test_an_algorithm_that_the_key_does_not_name_is_refused(app: HostApp, verifier: Verifier) -> None:
    app.publish(pair("RS256").jwk(alg="RS512"))
    with pytest.raises(InvalidToken):
        await verifier.verify(pair("RS256").token())
    assert (await verifier.verify(pair("RS256").token("RS512"))).user == "u1"


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "é.b.c", "x" * (MAX_TOKEN + 1), "\ud800.b.c", "a.b.c.d"]
)
async def test_what_is_no_token_is_refused(token: str, verifier: Verifier) -> None:
    with pytest.raises(InvalidToken):
        await verifier.verify(token)


async def test_changing_any_character_of_a_token_makes_it_invalid(shared: Verifier) -> None:
    token = sign(SECRET, "u1", now=NOW)
    for at in range(len(token)):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        with pytest.raises(InvalidToken):
            await shared.verify(changed)


async def test_a_refusal_never_shows_the_token(shared: Verifier) -> None:
    token = sign("another secret of at least 32 bytes", "u1", now=NOW)
    with pytest.raises(InvalidToken) as caught:
        await shared.verify(token)
    assert not set(token.split(".")) & set(f"{caught.value.body()} {caught.value.headers}".split())
    assert token.split(".")[2] not in f"{caught.value.body()}{caught.value.headers}"


async def test_a_token_lives_until_it_expires_and_the_clocks_may_differ(
    shared: Verifier, clock: Clock
) -> None:
    token = sign(SECRET, "u1", ttl=60, now=NOW)
    await shared.verify(token)
    clock.now = NOW + 64
    assert shared.verify_cached(token) is not None
    clock.now = NOW + 65
    with pytest.raises(TokenExpired):
        shared.verify_cached(token)
    with pytest.raises(TokenExpired):
        await shared.verify(token)


@pytest.mark.parametrize(
    "claims",
    [{"exp": None}, {"nbf": NOW + 6}, {"nbf": "soon"}, {"sub": ""}, {"rooms": "*"}, {"exp": "never"}],
)
async def test_claims_that_do_not_hold_are_refused(
    claims: dict[str, Any], app: HostApp, verifier: Verifier
) -> None:
    app.publish(pair("EdDSA").jwk())
    with pytest.raises(InvalidToken) as caught:
        await verifier.verify(pair("EdDSA").token(**claims))
    assert str(caught.value).startswith(next(iter(claims)))
    assert "invalid_token" in caught.value.headers["WWW-Authenticate"]


async def test_a_token_that_begins_within_the_clock_skew_is_accepted(
    app: HostApp, verifier: Verifier
) -> None:
    app.publish(pair("EdDSA").jwk())
    assert (await verifier.verify(pair("EdDSA").token(nbf=NOW + 5))).user == "u1"


@pytest.mark.parametrize(
    ("claims", "accepted"),
    [
        ({"aud": "parley", "iss": "shop"}, True),
        ({"aud": ["x", "parley"], "iss": "shop"}, True),
        ({"aud": "x", "iss": "shop"}, False),
        ({"aud": "parley", "iss": "x"}, False),
        ({"iss": "shop"}, False),
        ({"aud": {"parley": 1}, "iss": "shop"}, False),
        ({"aud": "parley"}, False),
    ],
)
async def test_audience_and_issuer_count_where_they_are_configured(
    claims: dict[str, Any], accepted: bool, app: HostApp, keys: Jwks, clock: Clock
) -> None:
    app.publish(pair("EdDSA").jwk())
    strict = Verifier(jwks=keys, audience="parley", issuer="shop", clock=clock)
    verified = await asyncio.gather(strict.verify(pair("EdDSA").token(**claims)), return_exceptions=True)
    assert isinstance(verified[0], InvalidToken) is not accepted


async def test_a_token_is_verified_once_and_then_looked_up(shared: Verifier) -> None:
    token = sign(SECRET, "u1", now=NOW)
    assert shared.verify_cached(token) is None
    assert await shared.verify(token) is shared.verify_cached(token)


async def test_the_verified_tokens_are_not_kept_themselves_nor_without_end(
    shared: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.tokens.MAX_CACHED", 2)
    tokens = [sign(SECRET, f"u{n}", now=NOW) for n in range(3)]
    for token in tokens:
        await shared.verify(token)
    assert [shared.verify_cached(token) is None for token in tokens] == [True, False, False]
    assert MAX_CACHED > 2
    assert not set(tokens) & {
        referent for referent in gc.get_referents(shared._verified) if isinstance(referent, str)
    }


def test_there_is_no_verifier_without_a_key() -> None:
    with pytest.raises(ValueError, match="PARLEY_JWT_SECRET or PARLEY_JWKS_URL"):
        Verifier()


def test_signing_refuses_what_verifying_would_refuse() -> None:
    with pytest.raises(ValueError, match="rooms"):
        sign(SECRET, "u1", rooms={"a b": "r"})


async def test_many_unknown_keys_at_once_cost_one_request_and_none_for_a_while(
    app: HostApp, verifier: Verifier, clock: Clock
) -> None:
    made_up = [pair("EdDSA").token(kid=f"made-up-{n}") for n in range(50)]
    await asyncio.gather(*map(verifier.verify, made_up), return_exceptions=True)
    assert app.asked == 1
    clock.now += AGAIN - 1
    await asyncio.gather(*map(verifier.verify, made_up), return_exceptions=True)
    assert app.asked == 1


async def test_a_new_key_is_found_when_a_token_names_it(
    app: HostApp, verifier: Verifier, clock: Clock
) -> None:
    app.publish(pair("EdDSA", "old").jwk())
    await verifier.verify(pair("EdDSA", "old").token())
    app.publish(pair("EdDSA", "old").jwk(), pair("ES256", "new").jwk())
    clock.now += AGAIN
    assert (await verifier.verify(pair("ES256", "new").token())).user == "u1"


@pytest.mark.parametrize(
    ("status", "document"),
    [
        ("500 Oops", b""),
        ("200 OK", b"not JSON"),
        ("302 Found", b""),
        ("200 OK", b"{}"),
        ("200 OK", b" " * 300_000),
    ],
)
async def test_an_outage_keeps_the_old_keys(
    status: str, document: bytes, app: HostApp, verifier: Verifier, clock: Clock
) -> None:
    app.publish(pair("EdDSA").jwk())
    await verifier.verify(pair("EdDSA").token())
    app.status, app.document = status, document
    clock.now += AGAIN
    with pytest.raises(InvalidToken):
        await verifier.verify(pair("ES256", "unknown").token())
    assert app.asked == 2
    assert (await verifier.verify(pair("EdDSA").token(name="again"))).name == "again"


async def test_what_a_withdrawn_key_has_signed_is_refused_once_the_keys_are_old(
    app: HostApp, verifier: Verifier, keys: Jwks, clock: Clock
) -> None:
    app.publish(pair("EdDSA").jwk())
    token = pair("EdDSA").token(exp=NOW + 10 * MAX_AGE)
    await verifier.verify(token)
    app.publish(pair("ES256", "new").jwk())
    clock.now += MAX_AGE + 1
    assert verifier.verify_cached(token) is not None
    await keys.find("new", "ES256")
    assert verifier.verify_cached(token) is None
    with pytest.raises(InvalidToken):
        await verifier.verify(token)


async def test_old_keys_are_fetched_while_the_known_ones_go_on_working(
    app: HostApp, verifier: Verifier, clock: Clock
) -> None:
    app.publish(pair("EdDSA").jwk())
    await verifier.verify(pair("EdDSA").token(exp=NOW + 10 * MAX_AGE))
    app.gate.clear()
    clock.now += MAX_AGE + 1
    assert (await verifier.verify(pair("EdDSA").token(exp=NOW + 10 * MAX_AGE, name="now"))).name == "now"
    app.gate.set()


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        1,
        {},
        {"kty": "RSA"},
        {"kty": "EC", "crv": "P-256"},
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        {"kty": ["RSA"]},
        {"kty": {}, "crv": []},
    ],
)
def test_a_key_that_cannot_verify_anything_is_left_out(jwk: Any) -> None:
    good = pair("EdDSA").jwk()
    assert [key.kid for key in parse(json.dumps({"keys": [jwk, good]}).encode())] == ["k1"]


@pytest.mark.parametrize("change", [{"use": "enc"}, {"d": "AA"}, {"kid": 7}, {"alg": "ES256"}])
def test_a_key_meant_for_something_else_is_left_out(change: dict[str, Any]) -> None:
    assert parse(json.dumps({"keys": [pair("EdDSA").jwk(**change)]}).encode()) == ()


def test_a_token_without_a_key_id_must_leave_no_doubt() -> None:
    several = parse(
        json.dumps({"keys": [pair("ES256", kid).jwk() for kid in "ab"] + [pair("EdDSA").jwk()]}).encode()
    )
    assert choose(several, None, "ES256") is None
    assert choose(several, None, "EdDSA") is several[2]


@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.text(max_size=5), st.lists).map(lambda x: json.dumps(x).encode())
)
def test_any_other_document_is_no_key_set(document: bytes) -> None:
    with pytest.raises(ValueError):
        parse(document)


def test_the_number_of_keys_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEYS", 2)
    assert len(parse(json.dumps({"keys": [pair("EdDSA", f"{n}").jwk() for n in range(3)]}).encode())) == 2
