"""Post to delivery at a load that leaves time to breathe: 100 posts/s to 100 sockets."""

from bench import delivery
from bench.harness import Scale
from bench.report import Row


async def measure(scale: Scale) -> list[Row]:
    return await delivery.measure(scale, delivery.Delivery(100, 100, 10.0), "8 ms", "25 ms")
