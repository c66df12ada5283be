"""Comments accepted per second over HTTP from 64 posters, into one hot room and over 1,000 rooms."""

from bench.harness import ROOM, Scale, token, up
from bench.native import post
from bench.report import Row, latency, load_average, thousands

POSTERS = 64
ROOMS = 1000
SECONDS = 10.0


async def measure(scale: Scale) -> list[Row]:
    rows: list[Row] = []
    async with up() as system:
        for name, rooms in (("one hot room", 1), (f"{ROOMS:,} rooms", ROOMS)):
            result = await post(
                port=system.port,
                token=token(),
                room=ROOM,
                rooms=rooms,
                concurrency=POSTERS,
                warmup=scale.seconds(2),
                seconds=scale.seconds(SECONDS),
            )
            rows += [
                Row(f"accepted posts/s, {name}", thousands(result["posts_per_second"]), "2,500"),
                Row(f"time to 201, {name}", latency(result)),
                Row(f"answers but 201, {name}", str(result["other"] + result["unanswered"]), "0"),
            ]
    return [*rows, Row("load average of the machine", load_average())]
