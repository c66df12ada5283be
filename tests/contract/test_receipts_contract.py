"""The port `ReceiptStream`: in memory and for real."""

import asyncio
import itertools
from collections.abc import Sequence

import pytest
from contract.ports import Nats

from events import storage
from events.receipts import ReceiptStream, Taken


@pytest.fixture
async def receipts(nats: Nats) -> ReceiptStream:
    receipts = nats.receipts()
    await receipts.ensure_receipts()
    return receipts


async def publish(receipts: ReceiptStream, app: str, *rooms: str) -> None:
    """One message for each room, with its number."""
    acks = [
        await receipts.publish_receipts(app, room, b"%d" % number)
        for number, room in enumerate(rooms, start=1)
    ]
    await asyncio.gather(*acks)


async def take(receipts: ReceiptStream, app: str, most: int = 100, wait: float = 5) -> Sequence[Taken]:
    return await receipts.take_receipts(app, f"comments-{app}", most, wait)


async def test_receipts_are_taken_in_order(receipts: ReceiptStream, app: str) -> None:
    rooms = ["lobby", "a.b", "a,b;c=@d", "lobby"]
    await publish(receipts, app, *rooms)
    taken = await take(receipts, app)
    assert [(each.room, each.data) for each in taken] == [
        (room, b"%d" % number) for number, room in enumerate(rooms, start=1)
    ]
    assert not any(each.again for each in taken)


async def test_no_more_are_taken_than_are_asked_for(receipts: ReceiptStream, app: str) -> None:
    await publish(receipts, app, *["lobby"] * 10)
    taken = [[int(each.data) for each in await take(receipts, app, most)] for most in (3, 3, 100)]
    assert taken == [[1, 2, 3], [4, 5, 6], [7, 8, 9, 10]]


async def test_where_there_are_none_the_next_one_is_waited_for(receipts: ReceiptStream, app: str) -> None:
    assert await take(receipts, app, wait=0.01) == []
    waiting = asyncio.create_task(take(receipts, app, wait=60))
    await asyncio.sleep(0)
    await publish(receipts, app, "lobby")
    assert [each.room for each in await waiting] == ["lobby"]


async def test_receipts_of_another_app_are_not_taken(receipts: ReceiptStream, app: str) -> None:
    other = f"{app}-other"
    await publish(receipts, other, "theirs")
    await publish(receipts, app, "ours")
    assert [each.room for each in await take(receipts, app)] == ["ours"]
    assert [each.room for each in await take(receipts, other)] == ["theirs"]


async def test_replicas_share_what_there_is(receipts: ReceiptStream, app: str) -> None:
    await publish(receipts, app, *["lobby"] * 40)
    both = await asyncio.gather(take(receipts, app, 20), take(receipts, app, 20))
    assert sorted(int(each.data) for each in itertools.chain(*both)) == list(range(1, 41))


async def test_what_was_confirmed_does_not_come_again(receipts: ReceiptStream, app: str) -> None:
    await publish(receipts, app, *["lobby"] * 3)
    await receipts.confirm_receipts(await take(receipts, app))
    await receipts.confirm_receipts([])
    assert await take(receipts, app, wait=0.01) == []


async def test_what_was_not_confirmed_comes_again_and_says_so(
    receipts: ReceiptStream, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "CONFIRM_SECONDS", 1.0)
    await publish(receipts, app, *["lobby"] * 3)
    first = await take(receipts, app)
    await receipts.confirm_receipts(first[:1])
    again = await take(receipts, app, most=2)
    assert [(int(each.data), each.again) for each in again] == [(2, True), (3, True)]


async def test_thousands_are_published_and_taken(receipts: ReceiptStream, app: str) -> None:
    await publish(receipts, app, *["lobby"] * 5_000)
    taken: list[Taken] = []
    while len(taken) < 5_000:
        some = await take(receipts, app, 500)
        await receipts.confirm_receipts(some)
        taken += some
    assert [int(each.data) for each in taken] == list(range(1, 5_001))
