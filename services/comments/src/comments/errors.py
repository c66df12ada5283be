"""Why a request cannot be carried out; each becomes a problem (RFC 9457) with its status and code."""

from chassis.problems import Problem


class UnknownComment(Problem):
    """There is no such comment."""

    status, code = 404, "unknown_comment"


class UnknownMember(Problem):
    """The user is not a member of the room."""

    status, code = 404, "unknown_member"


class CommentGone(Problem):
    """The comment was deleted."""

    status, code = 410, "comment_deleted"


class NotTheAuthor(Problem):
    """Only the comment's author or a moderator of the room may change it."""

    status, code = 403, "not_the_author"


class Forbidden(Problem):
    """The token does not give this right in this room."""

    status, code = 403, "forbidden"


class KeyReused(Problem):
    """The idempotency key was used before, with other content."""

    status, code = 409, "idempotency_key_reused"


class Unavailable(Problem):
    """The log cannot be reached right now; nothing was lost, send it again with the same key."""

    status, code = 503, "log_unavailable"


class TooSlow(Unavailable):
    """The log does not answer in time; send it again with the same key: it may have been carried out."""


class StorageFull(Unavailable):
    """The log has no room for more; nothing was lost, send it again with the same key."""

    code = "storage_full"


class Overloaded(Problem):
    """More is waiting to be written than may wait."""

    status, code = 503, "overloaded"
