import pytest

from parley.inbox import Inbox


async def test_what_was_put_is_taken_before_the_first_end_is_raised() -> None:
    inbox: Inbox[int] = Inbox(2)
    await inbox.put(1)
    inbox.end(LookupError())
    inbox.end(ValueError())
    await inbox.put(2)
    assert await inbox.take() == 1
    with pytest.raises(LookupError):
        await inbox.take()
