"""Tokens that nobody should be let in with, and signed ones that say impossible things, on every way in."""

import base64
import hmac
import json
import time
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import websockets
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nodes import Client
from processes import SECRET, Cluster, Process

INVALID_TOKEN = 4500
GOOD: dict[str, Any] = {"sub": "u1", "exp": int(time.time()) + 600, "rooms": {"*": "rw"}}
HS256 = {"alg": "HS256", "typ": "JWT"}
OWN_KEY = "a key that the attacker made up, of 32 bytes"
PUBLIC_KEY = (
    rsa.generate_private_key(65537, 2048)
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode()
)


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(header: object = HS256, claims: object = GOOD, secret: str = SECRET, hash: str = "sha256") -> str:  # noqa: A002
    """Signed, whatever it says; `claims` may be bytes."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    signed = f"{encoded(json.dumps(header).encode())}.{encoded(payload)}"
    return f"{signed}.{encoded(hmac.digest(secret.encode(), signed.encode(), hash))}"


def unsigned(alg: object) -> str:
    return token({"alg": alg}).rpartition(".")[0] + "."


def but(**claims: Any) -> str:
    return token(claims=GOOD | claims)


def raw(text: str) -> str:
    """The good claims, and some more JSON."""
    return token(claims=(json.dumps(GOOD)[:-1] + f", {text}}}").encode())


FORGED = {
    "none": unsigned("none"),
    "None": unsigned("None"),
    "nOnE with the signature": token({"alg": "nOnE"}),
    "no algorithm": token({"typ": "JWT"}),
    "a list of algorithms": token({"alg": ["none", "HS256"]}),
    "null": unsigned(None),
    "an algorithm of 10,000 characters": token({"alg": "H" * 10_000}),
    "another hash": token({"alg": "HS512"}, hash="sha512"),
    "HS256 without a secret": token(secret=""),
    "HS256 with a public key": token(secret=PUBLIC_KEY),
    "RS256 with the secret": token({"alg": "RS256"}),
    "its own key": token({**HS256, "jwk": {"kty": "oct", "k": encoded(OWN_KEY.encode())}}, secret=OWN_KEY),
    "a link to its key": token({**HS256, "jku": "http://127.0.0.1:1/keys"}, secret=OWN_KEY),
    "a link to a certificate": token({**HS256, "x5u": "http://127.0.0.1:1/cert"}, secret=OWN_KEY),
    "a file as its key": token({**HS256, "kid": "../../../../dev/null"}, secret=""),
    "a query as its key": token({**HS256, "kid": "x' union select 'k"}, secret="k"),
    "an extension that must be understood": token({**HS256, "crit": ["exp"], "exp": 1}),
    "a detached payload": token({**HS256, "b64": False, "crit": ["b64"]}),
    "a header that is no object": token(["HS256"]),
    "four parts": token() + ".x",
    "five parts": "a.b.c.d.e",
    "only dots": "..",
    "a cut signature": token()[:-1],
    "another signature": token()[:-4] + "AAAA",
    "too long": but(name="x" * 20_000),
    "not ASCII": token() + "é",
}
IMPOSSIBLE = {
    "no object": token(claims=["u1"]),
    "no JSON": token(claims=b"\xff\xfe"),
    "nested without end": token(claims=b"[" * 10_000),
    "rooms nested without end": raw('"rooms": ' + '{"a":' * 2000 + "1" + "}" * 2000),
    "rooms as a list": but(rooms=["*"]),
    "rooms as text": but(rooms="*"),
    "rights as a list": but(rooms={"*": ["r", "w"]}),
    "rights in rights": but(rooms={"*": {"*": "r"}}),
    "unknown rights": but(rooms={"*": "rwx"}),
    "no rights": but(rooms={"*": ""}),
    "a pattern of nothing": but(rooms={"": "r"}),
    "a pattern with a line end": but(rooms={"a\n": "r"}),
    "a pattern that is no room": but(rooms={"a b": "r"}),
    "an expression": but(rooms={"(a+)+$": "r"}),
    "thousands of patterns": but(rooms={f"r{number}": "r" for number in range(1000)}),
    "nobody": but(sub=""),
    "a number": but(sub=1),
    "somebody with a line end": but(sub="u1\r\nX-Admin: 1"),
    "half a character": but(sub="\ud800"),
    "a name with NUL": but(name="a\0b"),
    "a name of half a character": but(name="\udfff"),
    "an address that runs": but(avatar="javascript:alert(1)"),
    "no end": token(claims={name: GOOD[name] for name in ("sub", "rooms")}),
    "a true end": but(exp=True),
    "an end in words": but(exp="never"),
    "an infinite end": raw('"exp": Infinity'),
    "an end that is no number": raw('"exp": NaN'),
    "an end too large": raw('"exp": 1e999'),
    "an end of 400 digits": raw('"exp": 1' + "0" * 400),
    "an end of 5000 digits": raw('"exp": 1' + "0" * 5000),
    "a past": but(exp=int(time.time()) - 60),
    "a future": but(nbf=int(time.time()) + 600),
    "an impossible beginning": but(nbf="soon"),
}
BAD = FORGED | IMPOSSIBLE


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
async def test_nobody_is_let_in_with_it(services: Cluster, bad: str) -> None:
    [comments], [fanout] = services.comments, services.fanouts
    async with httpx.AsyncClient(base_url=comments.url) as http:
        for method, path in (("GET", "/v1/rooms/a/comments"), ("POST", "/v1/rooms/a/comments")):
            headers = {b"Authorization": b"Bearer " + bad.encode()}
            answer = await http.request(method, path, headers=headers, content=b'{"body": "x"}')
            assert answer.status_code == 401
            assert answer.json()["code"] in ("token_invalid", "token_expired")
            assert answer.headers["www-authenticate"].startswith("Bearer error=")
            assert bad[-40:] not in answer.text
    assert await by_query(fanout, bad) == INVALID_TOKEN
    assert await by_frame(fanout, bad) == INVALID_TOKEN
    if bad.isascii():
        assert await by_header(fanout, bad) == INVALID_TOKEN


async def by_query(fanout: Process, bad: str) -> int:
    async with websockets.connect(f"{fanout.socket_url}?token={quote(bad)}", proxy=None) as socket:
        return await Client(socket).closing()


async def by_header(fanout: Process, bad: str) -> int:
    headers = {"Authorization": f"Bearer {bad}"}
    async with websockets.connect(fanout.socket_url, additional_headers=headers, proxy=None) as socket:
        return await Client(socket).closing()


async def by_frame(fanout: Process, bad: str) -> int:
    async with websockets.connect(fanout.socket_url, proxy=None) as socket:
        await Client(socket).send("connect", token=bad)
        return await Client(socket).closing()


@pytest.mark.parametrize(
    "header",
    [{"kid": "x' or 1"}, {"jku": "http://127.0.0.1:1/"}, {"jwk": {"kty": "oct", "k": "AA"}}, {"kid": 1}],
)
async def test_what_a_header_names_is_not_looked_at(services: Cluster, header: dict[str, Any]) -> None:
    """The secret signed it, so it is good; but a `kid` has to be text (RFC 7515, section 4.1.4)."""
    headers = {"Authorization": f"Bearer {token(HS256 | header)}"}
    async with httpx.AsyncClient(base_url=services.comments[0].url, headers=headers) as http:
        answer = await http.get("/v1/rooms/a/comments")
    assert answer.status_code == (401 if header == {"kid": 1} else 200)


async def test_as_many_patterns_as_a_token_holds_cost_no_time(services: Cluster) -> None:
    """The worst that a token of 16 KB can hold, against the longest room: each is tried and none fits."""
    rooms = {"*a" * 12 + f"*b{number}": "r" for number in range(256)}
    room = "a" * 164
    async with httpx.AsyncClient(base_url=services.comments[0].url) as http:
        http.headers["Authorization"] = f"Bearer {but(rooms=rooms)}"
        answers = [await http.get(f"/v1/rooms/{room}/comments") for _ in range(50)]
    assert {answer.status_code for answer in answers} == {403}
