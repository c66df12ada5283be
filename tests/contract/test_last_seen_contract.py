"""The port `LastSeen`: in memory and for real."""

import asyncio

import pytest
from contract.ports import Nats
from contract.recording import ODD

from events.leases import LastSeen


@pytest.fixture
async def last_seen(nats: Nats) -> LastSeen:
    last_seen = nats.last_seen()
    await last_seen.ensure_last_seen()
    return last_seen


async def test_when_users_were_seen_last_is_known(last_seen: LastSeen, app: str) -> None:
    users = ["u1", *ODD]
    await asyncio.gather(*[await last_seen.seen(app, user, b"before") for user in users])
    await asyncio.gather(*[await last_seen.seen(app, user, user.encode()) for user in users])
    assert await last_seen.when_seen(app, ["nobody", *users]) == {user: user.encode() for user in users}
    assert await last_seen.when_seen(f"{app}-other", users) == {}
    assert await last_seen.when_seen(app, []) == {}


async def test_a_hundred_users_are_asked_for_at_once(last_seen: LastSeen, app: str) -> None:
    users = [f"u{number}" for number in range(100)]
    await asyncio.gather(*[await last_seen.seen(app, user, b"") for user in users])
    assert (await last_seen.when_seen(app, users)).keys() == set(users)
