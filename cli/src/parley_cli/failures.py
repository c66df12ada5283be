"""What ends a command: said to its user in one line."""


class Failed(Exception):
    """The command cannot do what it was asked; the message says why, and what to do."""

    status = 1
    """With which the command exits."""
