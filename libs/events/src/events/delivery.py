"""What a consumer says of a message by the subject of its reply (ADR-15 of nats-architecture-and-design)."""

from typing import NamedTuple


class Delivery(NamedTuple):
    times: int
    """How often it was delivered, with this one."""
    sequence: int
    """In the stream."""
    number: int
    """Of all that the consumer delivered."""
    waiting: int
    """Messages to be delivered after it."""


def delivery(reply: str) -> Delivery:
    """Raise `ValueError` if it is no such subject."""
    tokens = reply.split(".")
    if len(tokens) >= 11:  # with domain and account
        del tokens[2:4]
    if tokens[:2] != ["$JS", "ACK"] or len(tokens) < 9:
        raise ValueError(f"not the reply subject of a consumer: {reply!r}")
    return Delivery(int(tokens[4]), int(tokens[5]), int(tokens[6]), int(tokens[8]))
