"""Hints of comments: which rooms were written to just now."""

import logging
from collections.abc import Sequence

from events.receipts import Change, Changes

log = logging.getLogger(__name__)


def changes_of(payload: bytes) -> Sequence[Change]:
    """None, and a line in the log, of a hint that cannot be read."""
    try:
        return Changes.decode(payload).changes
    except ValueError:
        log.warning("a hint of changes cannot be read")
        return ()
