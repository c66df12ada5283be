"""`parley explain`: asks a running system who was notified of a comment, and why."""

import json
from uuid import UUID

import httpx
from pydantic import ValidationError

from notifier.views import Notifications
from parley_cli.failures import Failed
from parley_cli.reasons import lines, plain

PATIENCE = 10.0
"""Seconds for the server to answer."""

MAX_SAID = 300
"""Characters of an answer that is not understood."""


def explain(url: str, token: str, comment: str, user: str, *, as_json: bool = False) -> str:
    """What is printed. Raise `Failed`."""
    answer = _ask(url, token, _id(comment), user)
    if answer.status_code != 200:
        raise Failed(_refused(answer))
    try:
        told = Notifications.model_validate_json(answer.content)
    except ValidationError as error:
        raise Failed(f"{url} answers, and not as this version of Parley does: pass --url") from error
    return json.dumps(answer.json(), indent=2) if as_json else "\n".join(lines(told))


def _id(comment: str) -> UUID:
    try:
        return UUID(comment)
    except ValueError:
        raise Failed(f"{plain(comment)!r} is not the id of a comment: `parley post` prints it last") from None


def _ask(url: str, token: str, comment: UUID, user: str) -> httpx.Response:
    try:
        return httpx.get(
            f"{url}/v1/comments/{comment}/notifications",
            params={"user": user},
            headers={"Authorization": f"Bearer {token}"},
            timeout=PATIENCE,
        )
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise Failed(
            f"{url} does not answer ({type(error).__name__}): start it with `parley up`, or pass --url"
        ) from error


def _refused(answer: httpx.Response) -> str:
    """A problem (RFC 9457) in one line, with what to do about those that are expected."""
    try:
        problem = answer.json()
        said = " ".join(str(problem[name]) for name in ("title", "detail") if problem.get(name))
        code = problem.get("code")
    except (ValueError, AttributeError):
        said, code = answer.text, None
    return f"the server answers {answer.status_code}: {plain(said)[:MAX_SAID]}{_HINTS.get(code, '')}"


_HINTS = {
    "unknown_comment": " It is known for PARLEY_PUSH_KEEP_DAYS days, if the token may read in its room.",
    "forbidden": " Pass a --token with the right m in its room, or without --token the server's --secret.",
    "token_invalid": " Pass the secret of that server: PARLEY_JWT_SECRET, or its --data-dir.",
}
