"""300,000 frames per second for half a minute: 300 posts/s to 1,000 sockets."""

from bench import delivery
from bench.harness import Scale
from bench.report import Row


async def measure(scale: Scale) -> list[Row]:
    return await delivery.measure(scale, delivery.Delivery(1000, 300, 30.0), "", "150 ms")
