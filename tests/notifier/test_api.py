"""Devices over HTTP: what is taken, what is refused, and what is never told."""

from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from contract.callers import caller, fields, problem
from contract.own_postgres import OwnPostgres
from jsonschema import Draft202012Validator
from notified import APNS, FCM, PUBLIC_KEY, answering, base64url, point, subscription

from chassis.database import Pool
from notifier.database import connect

PREFERENCES = "/v1/preferences"
JSON = {"Content-Type": "application/json"}


async def put(api: httpx.AsyncClient, id_: str = "d1", status: int = 201, **given: Any) -> dict[str, Any]:
    answer = await api.put(f"/v1/devices/{id_}", json=given or APNS)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_an_app_learns_what_it_needs_before_it_registers(api: httpx.AsyncClient, pool: Pool) -> None:
    offer = {"platforms": ["apns", "webpush"], "webPush": {"publicKey": PUBLIC_KEY}}
    assert (await api.get("/v1/push", headers=caller(room="elsewhere"))).json() == offer
    assert problem(await api.get("/v1/push", headers={"Authorization": ""}), 401)
    async with answering(pool, on=()) as off:
        assert (await off.get("/v1/push")).json() == {"platforms": [], "webPush": None}


async def test_a_device_is_registered_once_and_renewed(api: httpx.AsyncClient) -> None:
    more: dict[str, Any] = {"app": "org.example.chat", "locale": "de-AT", "timeZone": "Europe/Vienna"}
    first = await put(api, "9f3c.1:e_52-77", **APNS, **more)
    at = datetime.fromisoformat(first.pop("registeredAt"))
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert first == {"id": "9f3c.1:e_52-77", "platform": "apns", **more, "active": True}
    second = await put(api, "9f3c.1:e_52-77", 200, **APNS)
    assert (second["app"], second["locale"], second["timeZone"]) == (None, None, None)
    assert (await api.get("/v1/devices")).json() == {"devices": [second]}


async def test_a_platform_that_is_off_is_registered_and_not_active(api: httpx.AsyncClient) -> None:
    assert (await put(api, **FCM))["active"] is False


async def test_a_browser_is_registered_as_it_describes_itself(api: httpx.AsyncClient, pool: Pool) -> None:
    raw = point()
    given = subscription(p256dh=base64url(raw) + "=", auth="A" * 21 + "B")
    await put(api, **given)
    keys = await pool.fetchval("select keys from notifier.devices")
    assert keys == {"p256dh": base64url(raw), "auth": "A" * 22}
    assert urlsafe_b64decode(keys["auth"] + "==") == bytes(16)


async def test_apple_spells_its_tokens_either_way(api: httpx.AsyncClient, pool: Pool) -> None:
    await put(api, platform="apns", token="AB" * 32)
    assert await pool.fetchval("select address from notifier.devices") == "ab" * 32


async def test_what_leads_to_a_device_is_never_told(api: httpx.AsyncClient) -> None:
    given = subscription()
    answers = [
        await api.put("/v1/devices/d1", json=given),
        await api.put("/v1/devices/d2", json=APNS),
        await api.put("/v1/devices/d3", json={"platform": "apns", "token": "secret\n"}),
        await api.put("/v1/devices/d4", json=subscription("https://evil.example/secret")),
        await api.put("/v1/devices/d4", json=subscription(auth="secret")),
        await api.get("/v1/devices"),
    ]
    secrets = [
        given["subscription"]["endpoint"],
        *given["subscription"]["keys"].values(),
        "secret",
        APNS["token"],
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 422, 422, 422, 200]
    assert not [secret for secret in secrets for answer in answers if secret in answer.text]


async def test_a_device_goes_with_who_signs_in_on_it(api: httpx.AsyncClient) -> None:
    await put(api)
    moved = await api.put("/v1/devices/d1", json=APNS, headers=caller("u2"))
    assert moved.status_code == 201
    assert (await api.get("/v1/devices")).json() == {"devices": []}
    assert (await api.get("/v1/devices", headers=caller("u2"))).json() == {"devices": [moved.json()]}


async def test_beyond_the_most_the_oldest_device_is_forgotten(api: httpx.AsyncClient) -> None:
    for number in range(4):
        await put(api, f"d{number}", platform="apns", token=f"{number:064x}")
    found = (await api.get("/v1/devices")).json()["devices"]
    assert [each["id"] for each in found] == ["d3", "d2", "d1"]


async def test_a_device_is_forgotten_by_its_person_only_and_any_number_of_times(
    api: httpx.AsyncClient,
) -> None:
    await put(api)
    for headers, left in ((caller("u2"), 1), (caller(), 0), (caller(), 0)):
        answer = await api.delete("/v1/devices/d1", headers=headers)
        assert (answer.status_code, answer.content) == (204, b"")
        assert len((await api.get("/v1/devices")).json()["devices"]) == left


BAD_IDS = ["a%20b", "a%00", "a'b", "%F0%9F%98%80", "a%2Fb%2Fc%0A", "x" * 129, "a%0A"]


async def test_an_id_that_is_none_is_refused(api: httpx.AsyncClient) -> None:
    for id_ in BAD_IDS:
        for answer in (
            await api.put(f"/v1/devices/{id_}", json=APNS),
            await api.delete(f"/v1/devices/{id_}"),
        ):
            assert answer.status_code in (404, 422), answer.text
    assert (await api.get("/v1/devices")).json() == {"devices": []}


OFF_CURVE = base64url(b"\4" + bytes([1] * 64))
COMPRESSED = base64url(b"\2" + bytes([1] * 64))
BAD_DEVICES: list[tuple[dict[str, Any], str]] = [
    ({}, "body"),
    ({"platform": "pager", "token": "x"}, "body"),
    ({"platform": "apns"}, "apns.token"),
    ({"platform": "apns", "token": "ab" * 31}, "apns.token"),
    ({"platform": "apns", "token": "ab" * 101}, "apns.token"),
    ({"platform": "apns", "token": "ab" * 32 + "c"}, "apns.token"),
    ({"platform": "apns", "token": "../" * 22}, "apns.token"),
    ({"platform": "apns", "token": "ab" * 32 + "\n"}, "apns.token"),
    ({"platform": "apns", "token": 7}, "apns.token"),
    ({"platform": "fcm", "token": ""}, "fcm.token"),
    ({"platform": "fcm", "token": "x" * 4097}, "fcm.token"),
    ({"platform": "fcm", "token": "a b"}, "fcm.token"),
    ({"platform": "fcm", "token": "a\0"}, "fcm.token"),
    ({"platform": "fcm", "token": "é"}, "fcm.token"),
    ({**APNS, "app": "org.example\r\nx: y"}, "apns.app"),
    ({**APNS, "app": "x" * 201}, "apns.app"),
    ({**APNS, "locale": "de_AT"}, "apns.locale"),
    ({**APNS, "locale": "../../etc/passwd"}, "apns.locale"),
    ({**APNS, "timeZone": "Middle-earth/Shire"}, "apns.timeZone"),
    ({**APNS, "timeZone": "../../../etc/passwd"}, "apns.timeZone"),
    ({**APNS, "timeZone": "localtime"}, "apns.timeZone"),
    ({**APNS, "timezone": "Europe/Vienna"}, "apns.timezone"),
    ({**APNS, "timeZone": "Europe/Vienna\0"}, "apns.timeZone"),
    ({"platform": "webpush"}, "webpush.subscription"),
    (subscription("ftp://push.example/1"), "webpush.subscription.endpoint"),
    (subscription("https://push.example/a b"), "webpush.subscription.endpoint"),
    (subscription("https://push.example/" + "x" * 2000), "webpush.subscription.endpoint"),
    (subscription("https://169.254.169.254/latest"), "subscription.endpoint"),
    (subscription(p256dh=OFF_CURVE), "webpush.subscription.keys.p256dh"),
    (subscription(p256dh=COMPRESSED), "webpush.subscription.keys.p256dh"),
    (subscription(p256dh="A"), "webpush.subscription.keys.p256dh"),
    (subscription(p256dh="+/" * 43 + "A"), "webpush.subscription.keys.p256dh"),
    (subscription(auth="AAAA"), "webpush.subscription.keys.auth"),
    (subscription(auth="A"), "webpush.subscription.keys.auth"),
    (subscription(auth="A" * 24), "webpush.subscription.keys.auth"),
]


async def test_what_no_push_could_reach_is_refused(api: httpx.AsyncClient) -> None:
    found = [fields(await api.put("/v1/devices/d1", json=given)) for given, _ in BAD_DEVICES]
    assert found == [[field] for _, field in BAD_DEVICES]
    assert (await api.get("/v1/devices")).json() == {"devices": []}


async def test_a_body_that_is_no_form_is_refused(api: httpx.AsyncClient) -> None:
    for path, verb in (("/v1/devices/d1", "PUT"), (PREFERENCES, "PUT"), ("/v1/rooms/a/mute", "POST")):
        for body in (b"[" * 4000, b"{", b"null", b'"x"', b"\xff"):
            answer = await api.request(verb, path, content=body, headers=JSON)
            assert answer.status_code in (400, 422), answer.text
            problem(answer, answer.status_code)


COMMENT = "comments/0198c6f2-7d1b-7a52-9c3e-1f0d5f6a7b8c/notifications"
ROUTES = (
    ("GET", "push"), ("GET", "devices"), ("PUT", "devices/d"), ("DELETE", "devices/d"),
    ("GET", "preferences"), ("PUT", "preferences"), ("POST", "rooms/a/mute"), ("GET", COMMENT),
)  # fmt: skip


async def test_nothing_is_told_without_a_token(api: httpx.AsyncClient) -> None:
    for verb, path in ROUTES:
        answer = await api.request(verb, f"/v1/{path}", headers={"Authorization": ""}, json=APNS)
        assert problem(answer, 401)["code"] == "token_missing"


async def test_an_outage_is_said_and_over_when_postgres_is_back(own_postgres: OwnPostgres) -> None:
    pool = await connect(own_postgres.url, size=2, timeout=2)
    async with answering(pool) as api:
        await put(api)
        await own_postgres.stop()
        for answer in (
            await api.get("/v1/devices"),
            await api.put("/v1/devices/d1", json=APNS),
            await api.get(PREFERENCES),
            await api.post("/v1/rooms/a/mute", json={}),
        ):
            assert problem(answer, 503)["code"] == "storage_unavailable"
            assert answer.headers["retry-after"] == "1"
        await own_postgres.start()
        assert len((await api.get("/v1/devices")).json()["devices"]) == 1
    await pool.close()


async def test_the_description_has_every_answer_and_its_examples_fit(api: httpx.AsyncClient) -> None:
    document = (await api.get("/openapi.json")).json()
    found = {
        f"{verb} {path.removeprefix('/v1/')}": set(operation["responses"])
        for path, item in document["paths"].items()
        for verb, operation in item.items()
    }
    reading, sending = {"200", "401", "422", "429", "503"}, {"200", "400", "401", "413", "422", "429", "503"}
    assert found == {
        "get push": {"200", "401", "422", "429"},
        "get devices": reading,
        "put devices/{device}": sending | {"201"},
        "delete devices/{device}": reading - {"200"} | {"204"},
        "get preferences": reading,
        "put preferences": sending,
        "post rooms/{room}/mute": sending | {"403"},
        "get comments/{comment}/notifications": reading | {"403", "404"},
    }
    checked = 0
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
        for example in schema.get("examples", []):
            Draft202012Validator({**schema, "components": document["components"]}).validate(example)
            checked += 1
    assert checked >= 9
