"""What the subject of a reply says of a message."""

import pytest

from events.delivery import Delivery, delivery


@pytest.mark.parametrize(
    "reply",
    [
        "$JS.ACK.EVENTS.name.2.31.17.1795459602416092144.4",
        "$JS.ACK.hub.ACCOUNT.EVENTS.name.2.31.17.1795459602416092144.4",
        "$JS.ACK._.ACCOUNT.EVENTS.name.2.31.17.1795459602416092144.4.random",
    ],
    ids=["plain", "with account", "with account and token"],
)
def test_it_is_read_with_and_without_domain_and_account(reply: str) -> None:
    assert delivery(reply) == Delivery(times=2, sequence=31, number=17, waiting=4)


@pytest.mark.parametrize("reply", ["", "_INBOX.abc", "$JS.ACK.EVENTS.name.2.31", "$JS.FC.a.b.c.d.e.f.g"])
def test_any_other_subject_is_none(reply: str) -> None:
    with pytest.raises(ValueError, match="not the reply subject"):
        delivery(reply)
