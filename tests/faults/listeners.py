"""Those who listen: clients of every sort, each in a few rooms."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from faults.diary import Diary
from faults.history import Recorder
from faults.native_listener import NativeListener
from faults.sdk_listener import SdkListener
from faults.sse_listener import SseListener
from faults.tokens import Tokens


class Listener(Protocol):
    diary: Diary

    async def run(self) -> None:
        """Come back after every loss, until cancelled."""
        ...


def _sdk(place: str, diary: Diary, tokens: Tokens) -> Listener:
    return SdkListener(f"ws://{place}/v1/ws", diary, tokens)


def _native(place: str, diary: Diary, tokens: Tokens) -> Listener:
    return NativeListener(f"ws://{place}/v1/ws", diary, tokens)


def _sse(place: str, diary: Diary, tokens: Tokens) -> Listener:
    return SseListener(f"http://{place}", diary, tokens)


SORTS: Mapping[str, Callable[[str, Diary, Tokens], Listener]] = {"sdk": _sdk, "native": _native, "sse": _sse}


def listeners(
    sorts: Sequence[str],
    count: int,
    rooms: Sequence[Sequence[str]],
    places: Sequence[str],
    recorder: Recorder,
    tokens: Tokens,
) -> list[Listener]:
    """So many, of each sort in turn; `places` are `host:port` of where they connect."""
    found = []
    for number in range(count):
        sort = sorts[number % len(sorts)]
        diary = Diary(recorder, f"{sort}-{number}", "sse" if sort == "sse" else "native", list(rooms[number]))
        found.append(SORTS[sort](places[number % len(places)], diary, tokens))
    return found


def some(rooms: Sequence[str], each: int, count: int, seed: int) -> list[list[str]]:
    """For each of `count` clients a choice of rooms."""
    chance = random.Random(seed)
    return [chance.sample(rooms, min(each, len(rooms))) for _ in range(count)]
