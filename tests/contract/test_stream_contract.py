"""The ports `Stream` and `Wire`: what `MemoryNats` promises, NATS keeps, and the other way round."""

import asyncio
import itertools

import pytest
from contract.ports import Nats
from contract.recording import Heard, record

from events import Held, NoAnswer, Record

Message = tuple[str, bytes]


class Ears(Heard[Message]):
    """A listener of `Wire`."""

    def hear(self, subject: str, payload: bytes) -> None:
        self((subject, payload))


async def test_sequences_follow_the_order_of_publishing(nats: Nats, app: str) -> None:
    acks = [await nats.publish(record(app, offset=offset)) for offset in range(1, 101)]
    sequences = await asyncio.gather(*acks)
    assert all(one < two for one, two in itertools.pairwise(sequences))


async def test_a_record_published_again_keeps_its_first_sequence(nats: Nats, app: str) -> None:
    heard = Heard[Record]()
    await nats.follow(app, "lobby", heard)
    acks = [await nats.publish(record(app, offset=offset)) for offset in (1, 2, 1, 2, 3)]
    one, two, *repeated, three = await asyncio.gather(*acks)
    assert repeated == [one, two]
    assert three > two
    assert [each.offset for each in await heard.until(3)] == [1, 2, 3]


async def test_the_same_offset_of_another_epoch_is_another_event(nats: Nats, app: str) -> None:
    first = await (await nats.publish(record(app, epoch="e1")))
    assert await (await nats.publish(record(app, epoch="e2"))) > first


@pytest.mark.parametrize("room", ["lobby", "chat-5-12", "private-a.b.c", "a=b@c,d;e.", "."])
async def test_a_follower_hears_a_rooms_events_as_they_were_published(
    nats: Nats, app: str, room: str
) -> None:
    heard = Heard[Record]()
    await nats.follow(app, room, heard)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    sent = [record(app, room, 1, trace=trace), record(app, room, 2, type="member.left", epoch="e9")]
    for each in sent:
        await nats.publish(each)
    assert await heard.until(2) == sent


async def test_a_follower_hears_no_other_room_and_no_other_app(nats: Nats, app: str) -> None:
    heard = Heard[Record]()
    await nats.follow(app, "a.b", heard)
    for other in [record(app, "a"), record(app, "a.b.c"), record(app, "a,b"), record(f"{app}-2", "a.b")]:
        await nats.publish(other)
    await (await nats.publish(record(app, "a.b", 7)))
    assert [each.offset for each in await heard.until(1)] == [7]


async def test_who_stops_following_hears_nothing_more(nats: Nats, app: str) -> None:
    gone, stays = Heard[Record](), Heard[Record]()
    stop = await nats.follow(app, "lobby", gone)
    await nats.follow(app, "lobby", stays)
    await nats.publish(record(app, offset=1))
    await gone.until(1)
    await stop()
    await nats.publish(record(app, offset=2))
    assert len(await stays.until(2)) == 2
    assert len(gone.all) == 1


async def test_an_announced_record_is_heard_and_not_stored(nats: Nats, app: str) -> None:
    heard = Heard[Record]()
    await nats.follow(app, "lobby", heard)
    await nats.announce(record(app, offset=1))
    assert await heard.until(1) == [record(app, offset=1)]
    assert await nats.contents().held(app, "lobby") is None
    await (await nats.publish(record(app, offset=1)))
    assert len(await heard.until(2)) == 2


async def test_the_stream_says_what_it_holds_of_a_room(nats: Nats, app: str) -> None:
    contents = nats.contents()
    assert await contents.held(app, "a.b") is None
    for each in [record(app, "a.b", 3, epoch="old"), record(app, "a.b", 1), record(app, "a", 9)]:
        await (await nats.publish(each))
    last = record(app, "a.b", 2, type="member.left", refill=7)
    sequence = await (await nats.publish(last))
    assert await contents.held(app, "a.b") == Held(record(app, "a.b", 3, epoch="old"), last, 3)
    assert await contents.message_id(sequence) == last.message_id
    assert await contents.message_id(sequence + 1_000_000) is None


async def test_its_bounds_hold_what_was_published(nats: Nats, app: str) -> None:
    sequence = await (await nats.publish(record(app)))
    bounds = await nats.contents().bounds()
    assert bounds is not None
    assert bounds.first <= sequence <= bounds.last
    assert bounds.messages >= 1


async def test_a_room_is_removed_without_the_others(nats: Nats, app: str) -> None:
    contents = nats.contents()
    for room in ("a", "a.b", "b"):
        await (await nats.publish(record(app, room)))
    await contents.remove(app, "a")
    assert await contents.held(app, "a") is None
    assert await contents.held(app, "a.b")
    await contents.remove(app)
    assert await contents.held(app, "b") is None


async def test_what_was_removed_is_published_again_only_under_another_id(nats: Nats, app: str) -> None:
    """The stream remembers ids longer than messages."""
    contents = nats.contents()
    first = await (await nats.publish(record(app)))
    await contents.remove(app, "lobby")
    assert await (await nats.publish(record(app))) == first
    assert await contents.held(app, "lobby") is None
    assert await (await nats.publish(record(app, refill=1))) > first
    assert await contents.held(app, "lobby")


async def test_a_message_reaches_every_listener_of_its_subject(nats: Nats, app: str) -> None:
    exact, pattern, tail = Ears(), Ears(), Ears()
    await nats.listen(f"{app}.room.typing", exact.hear)
    await nats.listen(f"{app}.room.*", pattern.hear)
    await nats.listen(f"{app}.>", tail.hear)
    sent = [(f"{app}.room.typing", b"1"), (f"{app}.room.wave", b""), (f"{app}.room.a.b", b"3")]
    for subject, payload in sent:
        await nats.send(subject, payload)
    assert await tail.until(3) == sent
    assert await pattern.until(2) == sent[:2]
    assert await exact.until(1) == sent[:1]


async def test_who_stops_listening_hears_nothing_more(nats: Nats, app: str) -> None:
    gone, stays = Ears(), Ears()
    stop = await nats.listen(f"{app}.x", gone.hear)
    await nats.listen(f"{app}.x", stays.hear)
    await stop()
    await nats.send(f"{app}.x", b"1")
    await stays.until(1)
    assert gone.all == []


async def test_a_request_is_answered_by_one_of_its_group(nats: Nats, app: str) -> None:
    asked: list[bytes] = []

    async def answer(request: bytes) -> bytes:
        asked.append(request)
        return b"answer to " + request

    for _ in range(2):
        await nats.serve(f"{app}.ask", "group", answer)
    requests = [b"%d" % number for number in range(10)]
    answers = await asyncio.gather(*(nats.request(f"{app}.ask", each, 5) for each in requests))
    assert answers == [b"answer to " + each for each in requests]
    assert sorted(asked) == requests


async def test_a_slow_answer_holds_up_no_other(nats: Nats, app: str) -> None:
    released = asyncio.Event()

    async def answer(request: bytes) -> bytes:
        if request == b"slow":
            await released.wait()
        return request

    await nats.serve(f"{app}.ask", "group", answer)
    slow = asyncio.create_task(nats.request(f"{app}.ask", b"slow", 5))
    assert await nats.request(f"{app}.ask", b"quick", 5) == b"quick"
    released.set()
    assert await slow == b"slow"


async def test_a_group_that_has_no_answer_leaves_it_to_the_others(nats: Nats, app: str) -> None:
    async def nothing(request: bytes) -> None:
        return None

    async def something(request: bytes) -> bytes:
        return b"something"

    await nats.serve(f"{app}.ask", "first", nothing)
    await nats.serve(f"{app}.ask", "second", something)
    assert await nats.request(f"{app}.ask", b"x", 5) == b"something"


async def test_nobody_answers_what_nobody_serves(nats: Nats, app: str) -> None:
    with pytest.raises(NoAnswer):
        await nats.request(f"{app}.nobody", b"", 5)


async def test_an_answer_that_takes_too_long_is_none(nats: Nats, app: str) -> None:
    released = asyncio.Event()

    async def answer(_: bytes) -> bytes:
        await released.wait()
        return b""

    stop = await nats.serve(f"{app}.ask", "group", answer)
    with pytest.raises(NoAnswer):
        await nats.request(f"{app}.ask", b"", 0.05)
    released.set()
    await stop()


async def test_who_stops_serving_is_asked_no_more(nats: Nats, app: str) -> None:
    async def answer(_: bytes) -> bytes:
        return b""

    stop = await nats.serve(f"{app}.ask", "group", answer)
    await stop()
    with pytest.raises(NoAnswer):
        await nats.request(f"{app}.ask", b"", 5)
