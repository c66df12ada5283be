"""Reading the whole stream, as whoever compares it with the log does."""

import asyncio
from uuid import uuid4

import pytest
from fakelog import AT
from servers import OwnNats

from events import Record, StreamError
from events.jetstream import connect
from events.reading import NoStream, Reader, reading


def record(app: str, offset: int) -> Record:
    return Record(app, "a.b", "e1", offset, uuid4(), "comment.posted", AT, b'{"offset":%d}' % offset)


async def publish(url: str, *records: Record) -> None:
    async with connect(url, name="test") as nats:
        await nats.ensure_stream()
        await asyncio.gather(*[await nats.publish(each) for each in records])


async def read(reader: Reader, app: str, most: int) -> list[Record]:
    return [each.record() async for page, _ in reader.pages(app, most=most) for each in page]


@pytest.mark.parametrize("most", [1, 7, 1000])
async def test_every_message_of_an_app_is_read_in_order_and_no_other(
    nats_url: str, app: str, most: int
) -> None:
    mine = [record(app, offset) for offset in range(1, 31)]
    other = [record(f"{app}-other", offset) for offset in range(1, 31)]
    await publish(nats_url, *[each for pair in zip(mine, other, strict=True) for each in pair])
    async with reading(nats_url) as reader:
        assert await read(reader, app, most) == mine
        assert await read(reader, f"{app}-none", most) == []


async def test_a_page_says_how_many_messages_come_after_it(nats_url: str, app: str) -> None:
    await publish(nats_url, *[record(app, offset) for offset in range(1, 11)])
    async with reading(nats_url) as reader:
        assert [(len(page), rest) async for page, rest in reader.pages(app, most=4)] == [
            (4, 6),
            (4, 2),
            (2, 0),
        ]


async def test_what_is_published_while_it_is_read_ends_it_at_the_latest_where_it_is(
    nats_url: str, app: str
) -> None:
    await publish(nats_url, *[record(app, offset) for offset in range(1, 11)])
    async with reading(nats_url) as reader:
        count = 0
        async for page, _ in reader.pages(app, most=5):
            count += len(page)
            await publish(nats_url, *[record(app, 100 * count + offset) for offset in range(20)])
    assert count == 10


async def test_that_there_is_no_stream_is_said(own_nats: OwnNats) -> None:
    async with reading(own_nats.url) as reader:
        with pytest.raises(NoStream):
            await reader.max_age()


async def test_the_age_at_which_the_stream_drops_messages_is_known(nats_url: str, app: str) -> None:
    await publish(nats_url, record(app, 1))
    async with reading(nats_url) as reader:
        assert await reader.max_age() == 30 * 86_400


async def test_a_nats_that_goes_away_ends_the_reading(own_nats: OwnNats) -> None:
    await publish(own_nats.url, *[record("app", offset) for offset in range(1, 11)])
    async with reading(own_nats.url) as reader:
        pages = reader.pages("app", most=5)
        await anext(pages)
        await own_nats.kill()
        with pytest.raises(StreamError):
            await anext(pages)


async def test_a_nats_that_is_not_there_is_said_at_once() -> None:
    with pytest.raises(StreamError, match="cannot connect to NATS"):
        async with reading("nats://127.0.0.1:9"):
            pass
