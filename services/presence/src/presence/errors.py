"""Why a request cannot be carried out; each becomes a problem (RFC 9457) with its status and code."""

from chassis.problems import Problem

RETRY_SECONDS = "2"


class Forbidden(Problem):
    """The token does not give this right in this room."""

    status, code = 403, "forbidden"


class UnknownUser(Problem):
    """The caller shares no room with such a user."""

    status, code = 404, "unknown_user"


class NotKnown(Problem):
    """It is not known right now who is here; ask again."""

    status, code = 503, "presence_unknown"

    def __init__(self, detail: str = "try again in a moment") -> None:
        super().__init__(detail, headers={"Retry-After": RETRY_SECONDS})
