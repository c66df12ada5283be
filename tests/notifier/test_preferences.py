"""What people want to be notified of, in Postgres."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from contract.own_postgres import OwnPostgres

from chassis.database import Pool
from chassis.problems import InvalidRequest
from notifier.database import connect
from notifier.errors import Unavailable
from notifier.fields import FOREVER
from notifier.model import Preferences, QuietHours, RoomPreferences
from notifier.preferences import PreferencesTable

MOST = 3
NOW = datetime.now(UTC).replace(microsecond=0)
LATER = NOW + timedelta(hours=1)
EVERYTHING = Preferences(
    level="mentions",
    muted_until=LATER,
    preview=False,
    muted_users=frozenset({"bob", "'; drop table notifier.preferences; --"}),
    quiet=QuietHours(time(22), time(7, 30), "Europe/Vienna"),
    rooms={"a": RoomPreferences("none", FOREVER, True), "b": RoomPreferences(preview=False)},
)


@pytest.fixture
def table(pool: Pool) -> PreferencesTable:
    return PreferencesTable(pool, "test", MOST)


async def kept(pool: Pool) -> list[str]:
    """Rooms that have a row."""
    return [row["room"] for row in await pool.fetch("select room from notifier.preferences order by 1")]


async def test_who_said_nothing_wants_everything(table: PreferencesTable) -> None:
    assert await table.get("ada") == Preferences()
    assert await table.of(["ada"]) == {}
    assert await table.of([]) == {}


async def test_what_is_put_is_had_from_then_on(table: PreferencesTable) -> None:
    assert await table.put("ada", lambda _: EVERYTHING) == EVERYTHING
    assert await table.of(["ada", "bob"]) == {"ada": EVERYTHING}
    assert await table.put("ada", lambda before: replace(before, level="all")) == replace(
        EVERYTHING, level="all"
    )
    assert await table.put("ada", lambda _: Preferences()) == Preferences()
    assert await table.get("ada") == Preferences()


async def test_only_the_rooms_that_are_asked_for_are_read(table: PreferencesTable) -> None:
    await table.put("ada", lambda _: EVERYTHING)
    await table.mute("bob", "b", LATER)
    found = await table.of(["ada", "bob"], ["b", "c"])
    assert found["ada"] == replace(EVERYTHING, rooms={"b": EVERYTHING.rooms["b"]})
    assert found["bob"] == Preferences(rooms={"b": RoomPreferences(muted_until=LATER)})
    assert await table.of(["bob"], ["c"]) == {}


async def test_apps_are_apart(pool: Pool, table: PreferencesTable) -> None:
    await table.put("ada", lambda _: EVERYTHING)
    assert await PreferencesTable(pool, "other").get("ada") == Preferences()


async def test_a_mute_keeps_the_rooms_other_preferences(pool: Pool, table: PreferencesTable) -> None:
    await table.put("ada", lambda _: Preferences(rooms={"a": RoomPreferences("mentions")}))
    assert await table.mute("ada", "a", FOREVER) == RoomPreferences("mentions", FOREVER)
    assert await table.mute("ada", "b", LATER) == RoomPreferences(muted_until=LATER)
    assert await table.mute("ada", "a", None) == RoomPreferences("mentions")
    assert await table.mute("ada", "b", None) == RoomPreferences()
    assert await kept(pool) == ["a"]


async def test_a_mute_that_is_over_is_neither_told_nor_kept(pool: Pool, table: PreferencesTable) -> None:
    await table.mute("ada", "a", LATER)
    await table.put("ada", lambda before: replace(before, muted_until=LATER))
    await pool.execute("update notifier.preferences set muted_until = now() - interval '1 second'")
    assert await table.get("ada") == Preferences()
    await table.mute("ada", "b", LATER)
    assert await kept(pool) == ["", "b"]


async def test_so_many_rooms_can_have_their_own_and_no_more(table: PreferencesTable) -> None:
    for number in range(MOST):
        await table.mute("ada", f"room-{number}", LATER)
    with pytest.raises(InvalidRequest, match="at most 3 rooms"):
        await table.mute("ada", "another", LATER)
    await table.mute("ada", "room-0", FOREVER)
    await table.mute("ada", "another", None)
    await table.mute("ada", "room-0", None)
    await table.mute("ada", "another", LATER)
    assert list((await table.get("ada")).rooms) == ["another", "room-1", "room-2"]


async def test_who_had_more_rooms_when_the_limit_was_lowered_can_still_change_them(
    pool: Pool, table: PreferencesTable
) -> None:
    before = await table.put("ada", lambda _: EVERYTHING)
    fewer = PreferencesTable(pool, "test", 1)
    assert (await fewer.put("ada", lambda _: replace(before, preview=True))).rooms == before.rooms
    with pytest.raises(InvalidRequest):
        await fewer.mute("ada", "c", LATER)


async def test_changes_at_once_are_all_made(table: PreferencesTable) -> None:
    async def change(number: int) -> None:
        await table.put(
            "ada", lambda before: replace(before, muted_users=before.muted_users | {f"u{number}"})
        )

    await asyncio.gather(*map(change, range(20)))
    assert len((await table.get("ada")).muted_users) == 20


async def test_all_say_so_when_postgres_is_away(away: PreferencesTable) -> None:
    for asked in (away.of(["ada"]), away.get("ada"), away.mute("ada", "a", LATER)):
        with pytest.raises(Unavailable):
            await asked


@pytest.fixture
async def away(own_postgres: OwnPostgres) -> AsyncIterator[PreferencesTable]:
    pool = await connect(own_postgres.url, size=2, timeout=2)
    await own_postgres.stop()
    yield PreferencesTable(pool, "test")
    await pool.close()
