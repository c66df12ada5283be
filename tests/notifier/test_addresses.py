"""A name may lead anywhere: pushes are sent to addresses of the public Internet alone."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.addresses import addresses_of, is_public
from notifier.endpoints import EndpointRefused, Origin

PUBLIC = ["8.8.8.8", "142.250.1.1", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "192.0.1.1",
          "2606:4700::1", "2a00:1450:4001::1", "64:ff9b::808:808"]  # fmt: skip

NOT_PUBLIC = [
    "0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:8.8.8.8", "::ffff:0:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe",
    "64:ff9b::6440:1", "64:ff9b:1::808:808", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2001:10::1", "2001:20::1", "2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1", "3fff::1", "5f00::1",
    "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "2606:4700::1%eth0", "fec0::1", "ff02::1",
    "", "localhost", "8.8.8.8.8", "0x8.8.8.8",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_all_others_are_not_however_they_are_wrapped(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_that_is_translated_is_as_public_as_it_is(address: object) -> None:
    assert is_public(f"64:ff9b::{address}") == is_public(str(address))


@given(st.ip_addresses())
def test_what_python_knows_to_be_special_is_not_public(address: object) -> None:
    special = ("is_private", "is_loopback", "is_link_local", "is_multicast", "is_reserved", "is_unspecified")
    if any(getattr(address, name) for name in special) and not str(address).startswith("64:ff9b::"):
        assert not is_public(str(address))


class Answers:
    """A resolver whose answers change."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.answers.pop(0)


PUSH = Origin("https", "push.example.net", 443)


async def test_a_name_that_leads_into_the_internet_may_be_connected_to() -> None:
    answers = Answers(["2606:4700::1", "8.8.8.8"])
    assert await addresses_of(PUSH, answers, private=False) == ["2606:4700::1", "8.8.8.8"]
    assert answers.asked == [("push.example.net", 443)]


@pytest.mark.parametrize("found", [["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::1", "2606:4700::1"]])
async def test_a_name_of_which_one_address_is_not_public_is_refused(found: list[str]) -> None:
    with pytest.raises(EndpointRefused, match="not public"):
        await addresses_of(PUSH, Answers(found), private=False)


async def test_where_it_is_allowed_a_name_may_lead_anywhere() -> None:
    assert await addresses_of(PUSH, Answers(["10.0.0.1"]), private=True) == ["10.0.0.1"]


async def test_an_address_is_not_asked_for() -> None:
    assert await addresses_of(Origin("http", "127.0.0.1", 80), Answers(), private=True) == ["127.0.0.1"]


async def test_a_name_without_an_address_leads_nowhere() -> None:
    with pytest.raises(OSError, match="no address"):
        await addresses_of(PUSH, Answers([]), private=False)
