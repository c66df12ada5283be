"""nats-py's client, with what it lacks."""

from nats.aio.client import Client as NatsClient


class Client(NatsClient):
    def forget_unsent(self) -> None:
        """Else nats-py sends it after a reconnect, before what was lost with the old connection."""
        self._pending.clear()
        self._pending_data_size = 0


def describe(error: Exception) -> str:
    """nats-py raises many of its errors without a text."""
    return str(error) or type(error).__name__
