"""Publishes that the stream has not confirmed yet, without I/O but for the loop's clock."""

import asyncio
import itertools
import json

from events.stream import Full, NotPublished, Rejected

FULL = "maximum bytes exceeded"
"""In the words of the server's store; its code, 10077, stands for every error of a store."""


class Acks:
    """Futures by the token of the reply subject to which the stream sends its confirmation."""

    def __init__(self, seconds: float) -> None:
        """`seconds` is how long the stream has to confirm."""
        self._seconds = seconds
        self._tokens = itertools.count()
        self._expected: dict[str, asyncio.Future[int]] = {}

    def expect(self) -> tuple[str, asyncio.Future[int]]:
        """A new token, and the future of the sequence that is confirmed under it."""
        loop = asyncio.get_running_loop()
        token, ack = str(next(self._tokens)), loop.create_future()
        self._expected[token] = ack
        late = loop.call_later(self._seconds, self.fail, token, "no acknowledgement")

        def settled(_: asyncio.Future[int]) -> None:
            late.cancel()
            del self._expected[token]

        ack.add_done_callback(settled)
        return token, ack

    def answered(self, token: str, answer: bytes) -> None:
        """JetStream's reply to a publish; NATS itself answers with nothing if no stream listens."""
        if not answer:
            self._settle(token, Rejected("no stream listens"))
            return
        reply = json.loads(answer)
        ack = self._expected.get(token)
        if "error" in reply:
            reason = reply["error"].get("description", "refused")
            self._settle(token, Full(reason) if reason == FULL else Rejected(reason))
        elif ack is not None and not ack.done():
            ack.set_result(int(reply["seq"]))

    def fail(self, token: str, reason: str) -> None:
        """Without an answer: whether the stream has it is unknown."""
        self._settle(token, NotPublished(reason))

    def fail_all(self, reason: str) -> None:
        for token in self._expected:
            self.fail(token, reason)

    def _settle(self, token: str, failure: NotPublished) -> None:
        ack = self._expected.get(token)
        if ack is not None and not ack.done():
            ack.set_exception(failure)
