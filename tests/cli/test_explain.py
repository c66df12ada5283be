"""`parley explain`, as somebody runs it who asks why there was no push."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, get_args

import httpx
import pytest
from contract.callers import SECRET, caller
from notified import answering
from pushworld import ROOM, World
from running import free_port, parley

from notifier.database import connect
from notifier.model import PLATFORMS, Reason
from notifier.views import DeviceNotification, Notifications, PersonNotifications, State, Why
from parley_cli.reasons import NAMES, SETTINGS, WHY, lines

COMMENT = uuid.UUID("0198c6f2-7d1b-7a52-9c3e-1f0d5f6a7b8c")
AT = datetime(2026, 11, 23, 12, 0, 3, tzinfo=UTC)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    pool = await connect(database_url, size=3, timeout=5)
    world = World(pool)
    await world.room()
    await world.member("ada", "bob")
    yield world
    await pool.close()


@pytest.fixture
async def api(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Web Push is on; APNs and FCM are off."""
    async with answering(world.pool, on=["webpush"]) as client:
        yield client


async def run(api: httpx.AsyncClient, *arguments: str, **environ: str) -> tuple[int, str]:
    where = () if "--url" in arguments else ("--url", str(api.base_url))
    told = {"PARLEY_JWT_SECRET": SECRET, **environ}
    return await asyncio.to_thread(parley, "explain", *arguments, *where, **told)


async def spare(world: World, offset: int, reason: str) -> None:
    await world.pool.execute(
        'insert into notifier.decisions (app, room, "user", first, last, reason) '
        "values ('test', $1, 'bob', $2, $2, $3)",
        ROOM, offset, reason,
    )  # fmt: skip


async def test_it_says_why_there_was_no_push_and_what_to_do(api: httpx.AsyncClient, world: World) -> None:
    await world.device("bob", "phone", "apns")
    comment, offset = await world.comment(due=False)
    await spare(world, offset, "platform_off")
    status, output = await run(api, str(comment), "bob")
    assert status == 0, output
    first, bob, phone, todo, remedy = output.splitlines()
    assert first == f"comment {comment}: offset {offset} of {ROOM}"
    assert bob.startswith("bob: no push, decided at ")
    assert phone == "  phone (APNs): no push: pushes to that platform are switched off"
    assert todo == "what to do:"
    assert "PARLEY_APNS_KEY_FILE" in remedy


async def test_the_answer_itself_can_be_had(api: httpx.AsyncClient, world: World) -> None:
    comment, _ = await world.comment(author="bob", due=False)
    status, output = await run(api, str(comment), "bob", "--json")
    assert status == 0, output
    path = f"/v1/comments/{comment}/notifications?user=bob"
    assert json.loads(output) == (await api.get(path, headers=caller("bob"))).json()


async def test_a_token_of_ones_own_is_enough(api: httpx.AsyncClient, world: World) -> None:
    comment, _ = await world.comment(author="bob", due=False)
    token = caller("bob", room=ROOM, rights="r")["Authorization"].removeprefix("Bearer ")
    status, output = await run(api, str(comment), "bob", "--token", token, PARLEY_JWT_SECRET="")
    assert (status, output.splitlines()[1:]) == (0, ["bob: no push: wrote it"])
    status, output = await run(api, str(comment), "ada", "--token", token)
    assert (status, output.count("\n")) == (1, 1)
    assert "answers 403" in output
    assert "the right m" in output


async def test_what_cannot_be_answered_is_one_line(api: httpx.AsyncClient) -> None:
    said = {
        (str(COMMENT), "bob"): "PARLEY_PUSH_KEEP_DAYS",
        ("\x1b[31m", "bob"): "is not the id of a comment",
        (str(COMMENT), "a\x1b[31mb"): "must be printable",
        (str(COMMENT), "bob", "--token", "forged"): "PARLEY_JWT_SECRET",
        (str(COMMENT), "bob", "--token", "för\nged"): "does not answer",
        (str(COMMENT), "bob", "--url", f"http://127.0.0.1:{free_port()}"): "start it with `parley up`",
        (str(COMMENT), "bob", "--url", "http://["): "pass --url",
    }
    for arguments, expected in said.items():
        status, output = await run(api, *arguments)
        assert (status, output.count("\n")) == (1, 1), output
        assert expected in output
        assert output.rstrip("\n").isprintable()


def told(*devices: DeviceNotification, reason: Why = Reason.PUSH, user: str = "bob") -> list[str]:
    person = PersonNotifications(user=user, reason=reason, at=AT, trace=None, devices=list(devices))
    return list(lines(Notifications(comment=COMMENT, room=ROOM, offset=7, people=[person])))[1:]


def device(**more: Any) -> DeviceNotification:
    given = {"device": "d1", "platform": "apns", "kind": "comment", "state": "sent", "reason": "push", **more}
    return DeviceNotification(not_before=AT, at=AT, **given)


def test_a_push_that_was_taken_needs_nothing_done() -> None:
    first, second = told(device(attempts=1, answer="eabeae54"))
    assert first == "bob: push, decided at 2026-11-23 12:00:03 UTC: was not here, and wants to be notified"
    taken = "was handed to the push service at 2026-11-23 12:00:03 UTC, after 1 attempt"
    assert second == f"  d1 (APNs): {taken}; it said: eabeae54"


def test_every_state_and_reason_has_words() -> None:
    reasons = [*Reason, "author", "waiting", "unknown"]
    assert set(WHY) == set(reasons)
    for state in get_args(State):
        for kind in ("comment", "read"):
            for reason in reasons:
                found = told(device(state=state, reason=reason, kind=kind), reason=reason)
                assert not [line for line in found if "None" in line or "{room" in line]
    assert set(PLATFORMS) == set(NAMES) == set(SETTINGS)


@pytest.mark.parametrize(
    ("found", "remedy"),
    [
        (device(state="failed", answer="BadDeviceToken"), "its answer above"),
        (device(state="unknown"), "network"),
        (device(state="cancelled", reason="device_gone"), "PUT /v1/devices/{id}"),
        (device(state="none", reason="platform_off", platform="fcm"), "PARLEY_FCM_CREDENTIALS_FILE"),
    ],
    ids=["failed", "unknown", "gone", "off"],
)
def test_what_is_off_ends_with_what_to_do(found: DeviceNotification, remedy: str) -> None:
    assert remedy in told(found)[-1]


def test_several_devices_of_a_platform_need_it_done_once() -> None:
    found = told(*(device(device=f"d{n}", state="none", reason="platform_off") for n in range(3)))
    assert len([line for line in found if "PARLEY_APNS_KEY_FILE" in line]) == 1


def test_a_muted_room_is_named_in_what_to_do() -> None:
    assert f"POST /v1/rooms/{ROOM}/mute" in told(reason=Reason.ROOM_MUTED)[-1]
    assert told(reason=Reason.NO_DEVICE)[-1].endswith("PUT /v1/devices/{id}")


def test_nothing_that_others_wrote_steers_the_terminal() -> None:
    escape = "\x1b]0;x\x07\u202e\x9b31m\n"
    found = told(device(device=escape, platform=escape, answer=escape, state="failed"), user=escape)
    assert all(line.isprintable() for line in found)
