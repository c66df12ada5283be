"""`/api/comments`: the app that the plan describes works unchanged."""

import json
import uuid
from typing import Any

import httpx
import pytest
from contract.callers import caller
from contract.recording import Heard

from events import CommentPosted, Record, decode
from events.jetstream import Nats

PATH = "/api/comments"
MULTIPART = "multipart/form-data; boundary=b"
PART = b"--b\r\nContent-Disposition: form-data; %b\r\n\r\n%b\r\n--b--\r\n"
META = {"url": "https://example.org/a.png", "width": 640}
FIELDS = {"body": "Grüße 👋", "challengeId": "5", "cohortId": "12"}


def parts(values: dict[str, str]) -> dict[str, tuple[None, str]]:
    """A multipart form without files."""
    return {name: (None, text) for name, text in values.items()}


SENT: dict[str, dict[str, Any]] = {
    "json": {"json": {"body": "Grüße 👋", "challengeId": 5, "cohortId": 12, "imageMeta": META}},
    "urlencoded": {"data": FIELDS | {"imageMeta": json.dumps(META), "videoMeta": ""}},
    "multipart": {"files": parts(FIELDS | {"imageMeta": json.dumps(META)})},
}


async def post(api: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await api.post(PATH, json={"body": "hi", "challengeId": 5, "cohortId": 12} | more)
    assert answer.status_code == 201, answer.text
    comment: dict[str, Any] = answer.json()
    return comment


def named(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [each["field"] for each in answer.json()["errors"]]


@pytest.mark.parametrize("form", SENT.values(), ids=SENT)
async def test_a_comment_has_the_plans_shape_however_it_is_sent(
    api: httpx.AsyncClient, form: dict[str, Any]
) -> None:
    answer = await api.post(PATH, **form)
    assert answer.status_code == 201, answer.text
    comment = answer.json()
    assert comment == {
        "id": comment["id"],
        "body": "Grüße 👋",
        "challengeId": 5,
        "cohortId": 12,
        "userId": "u1",
        "user": {"id": "u1", "profile": {"fullName": "User One", "profileImage": None}},
        "imageMeta": META,
        "videoMeta": None,
        "createdAt": comment["createdAt"],
        "updatedAt": comment["createdAt"],
        "status": "SENT",
        "deliveredAt": None,
        "readAt": None,
        "room": "chat-5-12",
        "offset": 1,
        "clientId": None,
    }
    assert (await api.get(f"/v1/comments/{comment['id']}")).json()["room"] == "chat-5-12"


async def test_a_repeated_post_is_answered_with_the_first(api: httpx.AsyncClient) -> None:
    first = await post(api, clientId="k1")
    again = await api.post(PATH, data=FIELDS | {"body": "hi"}, headers={"Idempotency-Key": "k1"})
    assert (again.status_code, again.json()) == (200, first)


async def test_nothing_is_urgent_in_the_plans_shape(api: httpx.AsyncClient, nats: Nats, app: str) -> None:
    heard = Heard[Record]()
    await nats.follow(app, "chat-5-12", heard)
    await nats.ping()
    api.headers.update(caller(rights="m"))
    await post(api, urgent=True)
    record, *_again = await heard.until(1)  # it is announced, and then comes from the stream
    posted = decode(record.data)
    assert isinstance(posted, CommentPosted)
    assert not posted.urgent


async def test_a_comment_is_edited_and_deleted(api: httpx.AsyncClient) -> None:
    path = f"{PATH}/{(await post(api))['id']}"
    edited = await api.patch(path, data={"body": "better"})
    assert (edited.status_code, edited.json()["body"]) == (200, "better")
    assert edited.json()["updatedAt"] > edited.json()["createdAt"]
    assert (await api.patch(path, json={"body": "x"}, headers=caller("u2"))).status_code == 403
    assert (await api.delete(path)).status_code == 204
    assert (await api.patch(path, json={"body": "x"})).status_code == 410
    assert (await api.delete(f"{PATH}/{uuid.uuid4()}")).status_code == 404


BAD_FIELDS = [
    ({"body": ""}, "body"),
    ({"body": "a\0"}, "body"),
    ({"body": "x" * 10_001}, "body"),
    ({"challengeId": "x"}, "challengeId"),
    ({"challengeId": "-1"}, "challengeId"),
    ({"cohortId": "9" * 30}, "cohortId"),
    ({"cohortId": "9" * 5000}, "cohortId"),
    ({"clientId": "a b"}, "clientId"),
    ({"imageMeta": "{"}, "imageMeta"),
    ({"imageMeta": "[]"}, "imageMeta"),
    ({"imageMeta": "[" * 4000}, "imageMeta"),
    ({"videoMeta": '{"x":"\\u0000"}'}, "videoMeta"),
    ({"videoMeta": '{"x":"\\ud800"}'}, "videoMeta"),
    ({"videoMeta": '{"x":' * 9 + "1" + "}" * 9}, "videoMeta"),
]


async def test_a_bad_field_is_named_in_each_encoding(api: httpx.AsyncClient) -> None:
    for change, field in BAD_FIELDS:
        sent = FIELDS | change
        assert named(await api.post(PATH, data=sent)) == [field], change
        assert named(await api.post(PATH, files=parts(sent))) == [field], change


async def test_what_is_missing_is_named(api: httpx.AsyncClient) -> None:
    assert named(await api.post(PATH, json={})) == ["body", "challengeId", "cohortId"]
    assert named(await api.post(PATH, data={"body": "x"})) == ["challengeId", "cohortId"]


async def test_another_media_type_is_refused(api: httpx.AsyncClient) -> None:
    for kind in ("text/plain", "", "application/xml", "application/octet-stream"):
        answer = await api.post(PATH, content=b"body=x", headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type"), kind


NO_FORM = [
    ("application/json", b"[" * 4000),
    ("application/json", b"\xff"),
    ("application/json", b'{"body":"\\ud800","challengeId":5,"cohortId":12}'),
    ("application/json", b"[]"),
    ("multipart/form-data", b"x"),
    (MULTIPART, b"x"),
    (MULTIPART, PART % (b'name="f"; filename="f"', b"x")),
    (MULTIPART, PART % (b'name="body"', b"\xff")),
    ("application/x-www-form-urlencoded", b"&".join(b"f%d=1" % n for n in range(30))),
    ("application/x-www-form-urlencoded", b"body=%00&challengeId=5&cohortId=12"),
]


async def test_what_is_no_json_or_form_is_refused(api: httpx.AsyncClient) -> None:
    for kind, content in NO_FORM:
        answer = await api.post(PATH, content=content, headers={"Content-Type": kind})
        assert answer.status_code in (400, 422), (kind, content[:80])
        assert answer.headers["content-type"] == "application/problem+json"


async def test_bytes_of_a_form_that_are_not_utf8_are_replaced(api: httpx.AsyncClient) -> None:
    content = b"body=a%FFb&challengeId=5&cohortId=12"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await api.post(PATH, content=content, headers=kind)
    assert answer.json()["body"] == "a\ufffdb"


async def test_the_right_of_the_chats_room_is_needed(api: httpx.AsyncClient) -> None:
    elsewhere = caller(room="chat-5-13")
    answer = await api.post(PATH, data=FIELDS, headers=elsewhere)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
