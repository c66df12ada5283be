"""What people want to be notified of, over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from contract.callers import caller, fields, problem

FOREVER = "9999-12-31T23:59:59.000000Z"
PREFERENCES = "/v1/preferences"
JSON = {"Content-Type": "application/json"}
DEFAULT: dict[str, Any] = {
    "level": "all", "mutedUntil": None, "preview": True, "mutedUsers": [], "quietHours": None, "rooms": {}
}  # fmt: skip


async def test_preferences_change_as_far_as_they_are_given(api: httpx.AsyncClient) -> None:
    assert (await api.get(PREFERENCES)).json() == DEFAULT
    assert (await api.put(PREFERENCES, json={})).json() == DEFAULT
    quiet = {"from": "22:00", "to": "07:30", "timeZone": "Europe/Vienna"}
    rooms = {"chat-1": {"level": "none"}, "chat-2": {"mutedUntil": "9999-12-31T23:59:59.9Z"}, "chat-3": {}}
    changed = (await api.put(PREFERENCES, json={"quietHours": quiet, "rooms": rooms})).json()
    assert changed == {
        **DEFAULT,
        "quietHours": quiet,
        "rooms": {
            "chat-1": {"level": "none", "mutedUntil": None, "preview": None},
            "chat-2": {"level": None, "mutedUntil": FOREVER, "preview": None},
        },
    }
    more = {"level": "mentions", "preview": False, "mutedUsers": ["u9", "u7", "u9"]}
    changed = changed | more | {"mutedUsers": ["u7", "u9"]}
    assert (await api.put(PREFERENCES, json=more)).json() == changed
    assert (await api.get(PREFERENCES)).json() == changed
    assert (await api.put(PREFERENCES, json=changed)).json() == changed
    assert (await api.get(PREFERENCES, headers=caller("u2"))).json() == DEFAULT
    assert (await api.put(PREFERENCES, json=DEFAULT)).json() == DEFAULT


async def test_times_are_told_in_utc_and_those_that_have_passed_are_not(api: httpx.AsyncClient) -> None:
    told = (await api.put(PREFERENCES, json={"mutedUntil": "2999-01-01T01:30:00+01:30"})).json()
    assert told["mutedUntil"] == "2999-01-01T00:00:00.000000Z"
    past = {"rooms": {"a": {"mutedUntil": "2001-01-01T00:00:00Z", "preview": False}}}
    told = (await api.put(PREFERENCES, json={"mutedUntil": "0001-01-01T01:00:00Z", **past})).json()
    assert (told["mutedUntil"], told["rooms"]["a"]["mutedUntil"]) == (None, None)


BAD_PREFERENCES: list[tuple[dict[str, Any], str]] = [
    ({"level": "some"}, "level"),
    ({"level": None}, "level"),
    ({"preview": "yes"}, "preview"),
    ({"mutedUntill": None}, "mutedUntill"),
    ({"mutedUntil": 1_900_000_000}, "mutedUntil"),
    ({"mutedUntil": "1900000000"}, "mutedUntil"),
    ({"mutedUntil": "2999-01-01T00:00:00"}, "mutedUntil"),
    ({"mutedUntil": "2999-02-30T00:00:00Z"}, "mutedUntil"),
    ({"mutedUntil": "9999-12-31T23:59:59-23:59"}, "mutedUntil"),
    ({"mutedUntil": "0001-01-01T00:00:00+01:00"}, "mutedUntil"),
    ({"mutedUntil": "infinity"}, "mutedUntil"),
    ({"mutedUsers": ["a", "b", "c", "d"]}, "mutedUsers"),
    ({"mutedUsers": [""]}, "mutedUsers.0"),
    ({"mutedUsers": ["a\0b"]}, "mutedUsers.0"),
    ({"mutedUsers": ["x" * 129]}, "mutedUsers.0"),
    ({"mutedUsers": None}, "mutedUsers"),
    ({"quietHours": {"from": "22:00", "to": "22:00"}}, "quietHours"),
    ({"quietHours": {"from": "24:00", "to": "07:00"}}, "quietHours.from"),
    ({"quietHours": {"from": "22:00:00", "to": "07:00"}}, "quietHours.from"),
    ({"quietHours": {"from": "\u0662\u0662:\u0660\u0660", "to": "07:00"}}, "quietHours.from"),
    ({"quietHours": {"from": "22:00"}}, "quietHours.to"),
    ({"quietHours": {"from": "22:00", "to": "07:00", "timeZone": "UTC\n"}}, "quietHours.timeZone"),
    ({"rooms": {"a b": {}}}, "rooms.a b.[key]"),
    ({"rooms": {"": {}}}, "rooms..[key]"),
    ({"rooms": {"a\n": {}}}, "rooms.a\n.[key]"),
    ({"rooms": {"a": {"level": "loud"}}}, "rooms.a.level"),
    ({"rooms": {"a": {"until": FOREVER}}}, "rooms.a.until"),
    ({"rooms": {f"room-{n}": {"level": "none"} for n in range(4)}}, "rooms"),
]  # fmt: skip


async def test_preferences_that_are_none_change_nothing(api: httpx.AsyncClient) -> None:
    found = [
        fields(await api.put(PREFERENCES, json={"preview": False} | given)) for given, _ in BAD_PREFERENCES
    ]
    assert found == [[field] for _, field in BAD_PREFERENCES]
    assert (await api.get(PREFERENCES)).json() == DEFAULT


async def test_huge_maps_are_refused_in_few_words(api: httpx.AsyncClient) -> None:
    many: dict[str, Any] = {f"{number:x}": {} for number in range(20_000)}
    assert (await api.put(PREFERENCES, json={"rooms": many})).json() == DEFAULT
    wrong: dict[str, Any] = {f"room {number}": {} for number in range(10_000)}
    answer = await api.put(PREFERENCES, json={"rooms": wrong})
    assert len(fields(answer)) == 20
    assert len(answer.content) < 10_000
    problem(await api.put(PREFERENCES, json={"mutedUsers": ["x" * 100] * 3000}), 413)


async def test_what_was_lone_in_a_pair_is_refused(api: httpx.AsyncClient) -> None:
    body = b'{"mutedUsers": ["\\ud800"]}'
    answer = await api.put(PREFERENCES, content=body, headers=JSON)
    assert answer.status_code == 422


async def mute(api: httpx.AsyncClient, **given: Any) -> Any:
    answer = await api.post("/v1/rooms/chat-1/mute", json=given)
    assert answer.status_code == 200, answer.text
    return answer.json()["mutedUntil"]


async def test_a_room_is_muted_for_ever_for_a_while_or_until_a_time(api: httpx.AsyncClient) -> None:
    assert await mute(api) == FOREVER
    assert (await api.get(PREFERENCES)).json()["rooms"]["chat-1"]["mutedUntil"] == FOREVER
    assert await mute(api, until="2999-01-01T00:00:00Z") == "2999-01-01T00:00:00.000000Z"
    hour = datetime.fromisoformat(await mute(api, seconds=3600)) - datetime.now(UTC)
    assert timedelta(minutes=59) < hour <= timedelta(hours=1)


async def test_a_mute_can_be_ended(api: httpx.AsyncClient) -> None:
    for end in ({"until": None}, {"seconds": 0}, {"until": "2001-01-01T00:00:00Z"}):
        await mute(api)
        assert await mute(api, **end) is None
        assert (await api.get(PREFERENCES)).json() == DEFAULT


BAD_MUTES: list[tuple[dict[str, Any], str]] = [
    ({"untill": None}, "untill"),
    ({"until": None, "seconds": 5}, "body"),
    ({"until": 5}, "until"),
    ({"seconds": -1}, "seconds"),
    ({"seconds": 1e300}, "seconds"),
    ({"seconds": "60"}, "seconds"),
    ({"seconds": None}, "seconds"),
    ({"seconds": True}, "seconds"),
]


async def test_a_mute_that_says_nothing_clear_is_refused(api: httpx.AsyncClient) -> None:
    for given, field in BAD_MUTES:
        named = fields(await api.post("/v1/rooms/a/mute", json=given))
        assert {name.partition(".")[0] for name in named} == {field}
    assert (await api.get(PREFERENCES)).json() == DEFAULT


async def test_not_a_number_is_no_number_of_seconds(api: httpx.AsyncClient) -> None:
    for word in (b"NaN", b"Infinity", b"-Infinity"):
        answer = await api.post(
            "/v1/rooms/a/mute",
            content=b'{"seconds": %b}' % word,
            headers=JSON,
        )
        assert answer.status_code == 422, answer.text


async def test_only_who_may_read_a_room_mutes_it(api: httpx.AsyncClient) -> None:
    refused = await api.post("/v1/rooms/chat-1/mute", json={}, headers=caller(room="chat-2"))
    assert problem(refused, 403)["code"] == "forbidden"
    assert (await api.post("/v1/rooms/chat-1/mute", json={}, headers=caller(rights="r"))).status_code == 200
    problem(await api.post("/v1/rooms/a%20b/mute", json={}), 422)


async def test_a_fourth_room_is_too_many(api: httpx.AsyncClient) -> None:
    for number in range(3):
        await api.post(f"/v1/rooms/r{number}/mute", json={})
    assert fields(await api.post("/v1/rooms/r3/mute", json={})) == ["rooms"]
