"""What a test reads of a subscription."""

from parley import Event, Subscription


async def take(subscription: Subscription, count: int) -> list[int]:
    """The offsets of the next `count` events."""
    items = [await anext(subscription) for _ in range(count)]
    return [item.offset for item in items if isinstance(item, Event)]
