"""What can go wrong: one base, one class per thing a caller may want to tell apart.

ParleyError
├── Refused        the server understood and said no; the same request will be refused again
├── Closed         the server closed the socket for good (codes 4500 and up)
├── GaveUp         no answer came in time
└── ProtocolError  the server sent what this version cannot read
"""


class ParleyError(Exception):
    """Anything this package raises on its own account."""


class Refused(ParleyError):
    """The server refused the request.

    `status` is the HTTP status, or None when the refusal came over the socket. `code` is the server's short
    name for the reason (the last part of an RFC 9457 problem's `type`, or the `code` of an `error` frame).
    """

    def __init__(self, status: int | None, code: str, detail: str) -> None:
        super().__init__(f"{status or 'refused'} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail


class Closed(ParleyError):
    """The server closed the socket with a code that means: do not come back as you are."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed with {code}: {reason}")
        self.code = code
        self.reason = reason


class GaveUp(ParleyError):
    """Time is up; `__cause__` is what went wrong last. The request may still have been carried out."""


class ProtocolError(ParleyError):
    """A frame that is not what version 1 of the protocol says."""
