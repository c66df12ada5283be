"""What only the real feed of events meets: messages that nobody published as events."""

import asyncio
import uuid

import pytest
from contract.recording import record

from events import storage, subjects
from events.feed import Received
from events.jetstream import connect


async def test_a_foreign_message_is_said_once(
    nats_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(storage, "CONFIRM_SECONDS", 0.2)
    app = f"test-{uuid.uuid4().hex[:12]}"
    async with connect(nats_url, name="feed") as nats:
        await nats.ensure_stream()
        feed = nats.feed()
        await nats.send(subjects.event(app, "lobby", "comment.posted"), b"{}")
        await (await nats.publish(record(app)))
        taken: list[Received] = []
        async with asyncio.timeout(30):
            while len(taken) < 3:  # it comes again, what is foreign does not
                taken += await feed.take(app, "feed-" + app, 10, 1)
    assert {each.record.offset for each in taken} == {1}
    lines = [line for line in caplog.records if line.getMessage() == "foreign message ignored"]
    assert len(lines) == 1
