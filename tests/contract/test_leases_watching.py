"""What only NATS for real does to those who watch leases."""

import json
from collections.abc import AsyncIterator

import pytest
from contract.recording import Began, Diary, Extended, Lost
from servers import OwnNats

from events import subjects
from events.jetstream import Nats, connect
from events.leases import Leases

BUCKET = subjects.bucket(subjects.PRESENCE_BUCKET)


async def extend(leases: Leases, key: str, value: bytes = b"") -> None:
    await (await leases.extend(key, value, 30))


@pytest.fixture
async def real(own_nats: OwnNats) -> AsyncIterator[Nats]:
    async with connect(own_nats.url, name="watching") as nats:
        yield nats


async def test_a_consumer_that_is_gone_is_replaced_by_one_that_begins_with_the_state(
    real: Nats, app: str
) -> None:
    """As it is when the server of a cluster that had it dies."""
    leases, diary, key = real.leases(fresh=0), Diary(), f"{app}.u.c"
    stop = await leases.watch_leases(app, diary)
    await diary.until(1)
    await extend(leases, key)
    await diary.told(2)
    manager = real._client.jsm()
    for consumer in await manager.consumers_info(BUCKET):
        await manager.delete_consumer(BUCKET, consumer.name)
    await extend(leases, key, b"missed")
    assert await diary.told(2) == [Lost(), Began({key: b"missed"}, whole=True)]
    await stop()


async def test_messages_that_were_dropped_are_missed_at_once(real: Nats, app: str) -> None:
    """The consumer says what it sent last; here it claims more than came."""
    leases, diary, key = real.leases(fresh=0), Diary(), f"{app}.u.c"
    stop = await leases.watch_leases(app, diary)
    await diary.until(1)
    await extend(leases, key)
    await diary.told(2)
    (consumer,) = await real._client.jsm().consumers_info(BUCKET)
    assert consumer.config.deliver_subject is not None
    headers = {"Status": "100", "Nats-Last-Consumer": "5"}
    await real._client.publish(consumer.config.deliver_subject, headers=headers)
    assert await diary.told(1) == [Began({key: b""}, whole=True)]
    await stop()


async def test_a_server_that_hangs_is_a_loss_even_while_it_is_connected(
    real: Nats, own_nats: OwnNats, app: str
) -> None:
    leases, diary = real.leases(fresh=0), Diary()
    stop = await leases.watch_leases(app, diary)
    await diary.told(1)
    own_nats.freeze()
    assert await diary.told(1) == [Lost()]
    own_nats.thaw()
    assert (await diary.begin()).leases == {}
    await stop()


async def test_what_a_watcher_raises_ends_no_watch(real: Nats, app: str) -> None:
    class Clumsy(Diary):
        def extended(self, key: str, value: bytes) -> None:
            super().extended(key, value)
            raise ZeroDivisionError

    leases, diary = real.leases(fresh=0), Clumsy()
    stop = await leases.watch_leases(app, diary)
    await diary.told(1)
    for _ in range(2):
        await extend(leases, f"{app}.u.c")
        assert await diary.told(1) == [Extended(f"{app}.u.c", b"")]
    await stop()


async def test_other_clients_of_nats_can_read_the_buckets(real: Nats, app: str) -> None:
    await real.leases().ensure_leases()
    await real.last_seen().ensure_last_seen()
    await extend(real.leases(), f"{app}.u.c", b"value")
    await (await real.last_seen().seen(app, "u", b"then"))
    for bucket, key, value in ((BUCKET, "u.c", b"value"), (subjects.LAST_SEEN_BUCKET, "u", b"then")):
        kv = await real._client.jetstream().key_value(bucket.removeprefix("KV_"))
        assert (await kv.get(f"{app}.{key}")).value == value
        assert json.dumps(await kv.keys()) == json.dumps([f"{app}.{key}"])
