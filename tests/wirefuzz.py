"""Whatever clients send: our codec and our sockets make of it what RFC 6455 does.

`python tests/wirefuzz.py --frames 1000000` checks as many frames and says how it went.
"""

import argparse
import asyncio
import gc
import resource
import time
from collections import Counter
from collections.abc import Iterator

from rawsocket import Echo, connected, serving
from wireclient import LIMIT, Client
from wireoracle import Heard, expected

from fanout.frames import BINARY, CLOSE, PING, PONG, TEXT, Frames, Messages, Violation, close_reason
from fanout.websocket import Limits


def heard(chunks: Iterator[bytes], limit: int) -> Heard:
    """What our codec makes of it."""
    frames, messages = Frames(limit), Messages(limit)
    found: list[tuple[int, bytes]] = []
    try:
        for chunk in chunks:
            for each in frames.receive(chunk):
                if each.opcode == CLOSE:
                    return found, close_reason(each.payload)[0]
                if each.opcode in (PING, PONG):
                    found.append((each.opcode, each.payload))
                elif (message := messages.join(each)) is not None:
                    found.append((TEXT, message.encode()) if isinstance(message, str) else (BINARY, message))
    except Violation as violation:
        return found, violation.code
    return found, None


def compare(seed: int, frames: int) -> Counter[int | None]:
    """How the streams of so many frames ended. Raise `AssertionError` if our codec hears something else."""
    client, ends = Client(seed), Counter[int | None]()
    while client.frames < frames:
        stream = client.stream()
        should = expected(stream, LIMIT)
        assert heard(client.chopped(stream), LIMIT) == should, (seed, stream.hex())
        ends[should[1]] += 1
    return ends


async def converse(seed: int, frames: int) -> Counter[int | None]:
    """The same over real sockets, to a session that sends back what it hears."""
    client, ends = Client(seed), Counter[int | None]()
    async with serving(lambda _: Echo(), Limits(frame=LIMIT, frames=1 << 40)) as port:
        while client.frames < frames:
            stream = client.stream()
            messages, code = expected(stream, LIMIT)
            answers = [
                (PONG if opcode == PING else opcode, each) for opcode, each in messages if opcode != PONG
            ]
            if code is not None:
                answers.append((CLOSE, b"" if code == 1005 else code.to_bytes(2, "big")))
            assert await _talk(port, client.chopped(stream)) == answers, (seed, stream.hex())
            ends[code] += 1
    return ends


async def _talk(port: int, chunks: Iterator[bytes]) -> list[tuple[int, bytes]]:
    """All that is answered; no more is said at the end than that it is the end."""
    async with connected(port) as peer:
        for number, chunk in enumerate(chunks):
            peer.send(chunk)
            if number < 20:
                await asyncio.sleep(0)
        peer.writer.write_eof()
        return await peer.rest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument(
        "--sockets", type=int, default=100_000, help="frames of them that go over real sockets"
    )
    parser.add_argument("--seed", type=int, default=int(time.time()))
    told = parser.parse_args()
    began, ends = time.monotonic(), Counter[int | None]()
    sizes = []
    for part in range(10):
        ends += compare(told.seed + part, (told.frames - told.sockets) // 10)
        ends += asyncio.run(converse(~told.seed - part, told.sockets // 10))
        gc.collect()
        sizes.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    spent = time.monotonic() - began
    print(
        f"{told.frames} frames in {ends.total()} streams, {spent:.0f} s, seed {told.seed}: as RFC 6455 says"
    )
    print("streams by close code:", dict(sorted(ends.items(), key=str)))
    print("peak memory after each tenth, KB:", sizes)


if __name__ == "__main__":
    main()
