"""Why the server closes a connection, and whether coming back helps.

4000 to 4499: connect again, and resume. 4500 to 4999: it would only happen again.
"""

from enum import IntEnum
from typing import Self


class Close(IntEnum):
    """The codes; `docs/protocol.md` has the same table, and a test holds the two together."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        close = int.__new__(cls, code)
        close._value_ = code
        close.meaning = meaning
        return close

    RESUME_ELSEWHERE = (
        4000,
        "The server is about to stop; connect again after `retryAfter` seconds, and resume.",
    )
    NO_CONNECT = 4001, "No connect request came in time."
    TOKEN_EXPIRED = 4002, "The token has expired; connect again with a new one, and resume."
    HISTORY_CHANGED = (
        4003,
        "The room's history was replaced; connect again and resume to learn where it stands.",
    )
    TOO_MANY_REQUESTS = 4004, "The client sends requests faster than it may; wait, then connect again."
    TOO_SLOW = 4005, "The client took nothing for too long; connect again, and resume."
    BUSY = 4006, "Too many clients come at once; connect again after `retryAfter` seconds, and resume."
    INVALID_TOKEN = 4500, "The token is not valid; connect again only with another one."
    BAD_FRAME = 4501, "A frame was not a JSON object with a type."
    NOT_CONNECTED = 4502, "A request came before the connect request was answered."

    @property
    def reconnect(self) -> bool:
        return self < 4500
