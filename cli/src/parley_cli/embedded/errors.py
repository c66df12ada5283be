"""What can go wrong with an embedded server. Every message is one line, but for the log's last lines."""


class EmbeddedError(Exception):
    """An embedded server cannot be run."""


class Missing(EmbeddedError):
    """The server's program is not installed."""


class NotReady(EmbeddedError):
    """The server started but does not let us in."""


class Died(EmbeddedError):
    """The server ended without being asked to."""
