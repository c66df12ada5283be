"""Devices in Postgres: an address belongs to one device and a device to one person, however many come."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from contract.own_postgres import OwnPostgres
from pushworld import ROOM, World

from chassis.database import Pool
from notifier.database import connect
from notifier.devices import Devices
from notifier.errors import Unavailable
from notifier.model import Device

MOST = 3


@pytest.fixture
def devices(pool: Pool) -> Devices:
    return Devices(pool, "test", MOST)


def device(id_: str = "d1", user: str = "ada", address: str | None = None, **more: str) -> Device:
    return Device(id_, user, "apns", address or f"address of {id_}", **more)  # type: ignore[arg-type]


async def ids(devices: Devices, *users: str) -> dict[str, list[str]]:
    return {user: [each.id for each in found] for user, found in (await devices.of(users)).items()}


async def owe(world: World, user: str, device_: str, state: str = "waiting") -> int:
    """A push in that state."""
    comment, offset = await world.comment(author="zoe")
    query = """
        insert into notifier.pushes (app, kind, room, "offset", event, comment, "user", device, platform,
            state, reason, not_before, expires_at)
        values ('test', 'comment', $1, $2, $3, $3, $4, $5, 'apns', $6, 'push', now(), now()) returning id
    """
    return int(await world.pool.fetchval(query, ROOM, offset, comment, user, device_, state))


async def states(world: World) -> list[tuple[str, str]]:
    return [(state, reason) for _, _, state, reason in await world.told()]


async def test_a_device_is_new_once(devices: Devices) -> None:
    keys = {"p256dh": "key", "auth": "secret"}
    given = Device(
        "d1", "ada", "webpush", "https://push.example/1", keys, "org.app", "de-AT", "Europe/Vienna"
    )
    assert await devices.put(given)
    assert not await devices.put(given)
    [found] = (await devices.of(["ada"]))["ada"]
    assert found.registered_at is not None
    assert abs(found.registered_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert Device(*[getattr(found, name) for name in Device.__slots__[:8]]) == given
    assert await devices.get(["d1", "d2"]) == {"d1": found}


async def test_each_registration_renews_all_that_is_known(devices: Devices) -> None:
    await devices.put(device(locale="de", target="org.app"))
    first = (await devices.get(["d1"]))["d1"]
    await devices.put(device(address="other", locale="en"))
    second = (await devices.get(["d1"]))["d1"]
    assert (second.address, second.locale, second.target) == ("other", "en", None)
    assert first.registered_at is not None
    assert second.registered_at is not None
    assert second.registered_at > first.registered_at


async def test_every_asked_user_has_an_answer(devices: Devices) -> None:
    await devices.put(device())
    assert await ids(devices, "ada", "bob") == {"ada": ["d1"], "bob": []}
    assert await devices.of([]) == {}
    assert await devices.get([]) == {}


async def test_another_app_sees_and_moves_nothing(pool: Pool, devices: Devices) -> None:
    other = Devices(pool, "other", MOST)
    await devices.put(device())
    assert await other.put(device(user="bob"))
    assert await other.remove("bob", "d1")
    assert not await other.remove("ada", "d1")
    assert await ids(devices, "ada") == {"ada": ["d1"]}


async def test_an_address_moves_to_the_device_that_has_it_now(devices: Devices, world: World) -> None:
    await devices.put(device("old", "ada", "shared"))
    await owe(world, "ada", "old")
    assert await devices.put(device("new", "bob", "shared"))
    assert await ids(devices, "ada", "bob") == {"ada": [], "bob": ["new"]}
    assert await states(world) == [("cancelled", "device_gone")]


async def test_the_same_address_at_another_provider_is_another(devices: Devices) -> None:
    await devices.put(device("d1", "ada", "shared"))
    await devices.put(Device("d2", "ada", "fcm", "shared"))
    assert await ids(devices, "ada") == {"ada": ["d2", "d1"]}


async def test_a_device_moves_to_who_signs_in_on_it(devices: Devices, world: World) -> None:
    await devices.put(device())
    await owe(world, "ada", "d1")
    await owe(world, "ada", "d1", "sent")
    await devices.put(device("d2"))
    await owe(world, "ada", "d2")
    assert await devices.put(device(user="bob"))
    assert await ids(devices, "ada", "bob") == {"ada": ["d2"], "bob": ["d1"]}
    assert await states(world) == [("cancelled", "device_gone"), ("sent", "push"), ("waiting", "push")]


async def test_a_new_address_of_the_same_person_cancels_nothing(devices: Devices, world: World) -> None:
    await devices.put(device())
    await owe(world, "ada", "d1")
    assert not await devices.put(device(address="renewed"))
    assert await states(world) == [("waiting", "push")]


async def test_beyond_the_most_the_one_heard_of_longest_ago_makes_room(
    devices: Devices, world: World
) -> None:
    for number in range(MOST):
        await devices.put(device(f"d{number}"))
    await devices.put(device("d0"))
    await owe(world, "ada", "d1")
    await devices.put(device("d3"))
    assert await ids(devices, "ada") == {"ada": ["d3", "d0", "d2"]}
    assert await states(world) == [("cancelled", "device_gone")]


async def test_a_new_device_stays_even_if_the_clock_went_back(devices: Devices, pool: Pool) -> None:
    for number in range(MOST):
        await devices.put(device(f"d{number}"))
    await pool.execute(
        "update notifier.devices set updated_at = now() + interval '1 hour' * right(id, 1)::int"
    )
    await devices.put(device("d9"))
    assert sorted((await ids(devices, "ada"))["ada"]) == ["d1", "d2", "d9"]


async def test_only_its_person_removes_a_device(devices: Devices, world: World) -> None:
    await devices.put(device())
    await owe(world, "ada", "d1")
    assert not await devices.remove("bob", "d1")
    assert await states(world) == [("waiting", "push")]
    assert await devices.remove("ada", "d1")
    assert not await devices.remove("ada", "d1")
    assert await states(world) == [("cancelled", "device_gone")]


async def test_what_a_provider_knows_no_more_is_forgotten(devices: Devices, world: World) -> None:
    await devices.put(device())
    await owe(world, "ada", "d1")
    assert not await devices.forget("d1", "an earlier address", None)
    assert await devices.forget("d1", "address of d1", None)
    assert not await devices.forget("d1", "address of d1", None)
    assert await states(world) == [("cancelled", "device_gone")]


@pytest.mark.parametrize(("minutes", "forgotten"), [(-5, False), (5, True)], ids=["before", "after"])
async def test_a_provider_speaks_of_a_registration_before_its_time(
    devices: Devices, minutes: int, forgotten: bool
) -> None:
    await devices.put(device())
    said = datetime.now(UTC) + timedelta(minutes=minutes)
    assert await devices.forget("d1", "address of d1", said) is forgotten


async def test_registrations_at_once_neither_deadlock_nor_pass_the_limit(
    devices: Devices, pool: Pool, world: World
) -> None:
    """People sign in on each other's devices with each other's addresses, all at once."""
    chance = random.Random(5)
    places = [(f"d{a}", f"u{b}", f"address {c}") for a in range(5) for b in range(2) for c in range(5)]
    for round_ in range(4):
        await owe(world, f"u{round_ % 2}", f"d{round_}")
        chosen = [chance.choice(places) for _ in range(40)]
        removed = (devices.remove(user, id_) for id_, user, _ in chosen[:10])
        await asyncio.gather(*(devices.put(device(*place)) for place in chosen), *removed)
    rows = await pool.fetch(
        'select "user", count(*) as n, count(distinct address) as a from notifier.devices group by 1'
    )
    assert rows
    assert all(row["n"] == row["a"] <= MOST for row in rows)


HOSTILE = ["'; drop table notifier.devices; --", '"', "\\", "%_", "é\u202e\u0301", "$1", "{}", "\x01\x1b[2J"]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_odd_text_is_stored_as_it_is(devices: Devices, text: str) -> None:
    await devices.put(Device(text, text, "fcm", text, {text: text}, text, text, text))
    [found] = (await devices.of([text]))[text]
    assert (found.id, found.address, found.keys) == (text, text, {text: text})
    assert await devices.remove(text, text)


@pytest.fixture
async def away(own_postgres: OwnPostgres) -> AsyncIterator[Devices]:
    pool = await connect(own_postgres.url, size=2, timeout=2)
    await own_postgres.stop()
    yield Devices(pool, "test", MOST)
    await pool.close()


async def test_all_say_so_when_postgres_is_away(away: Devices) -> None:
    for asked in (
        away.put(device()),
        away.remove("ada", "d1"),
        away.forget("d1", "x", None),
        away.of(["ada"]),
        away.get(["d1"]),
    ):
        with pytest.raises(Unavailable):
            await asked


async def test_a_mistake_of_ours_is_not_an_outage(devices: Devices) -> None:
    with pytest.raises(asyncpg.PostgresError):
        await devices.put(Device("d1", "ada", "pager", "x"))  # type: ignore[arg-type]
