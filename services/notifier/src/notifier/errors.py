"""Why a request cannot be carried out; each becomes a problem (RFC 9457) with its status and code."""

from chassis.problems import Problem


class Forbidden(Problem):
    """The token does not give this right in this room."""

    status, code = 403, "forbidden"


class UnknownComment(Problem):
    """There is no such comment, or it is too old to be known."""

    status, code = 404, "unknown_comment"


class Unavailable(Problem):
    """Devices and preferences cannot be reached right now; try again."""

    status, code = 503, "storage_unavailable"


class TooSlow(Unavailable):
    """The storage does not answer in time; try again: it may have been carried out."""


class StorageFull(Unavailable):
    """The storage has no room for more; nothing was changed."""

    code = "storage_full"
