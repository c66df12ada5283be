"""Endpoints come from users: pushes go to push services, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.endpoints import MAX_LENGTH, Endpoint, EndpointRefused, Guard, Origin, read
from notifier.settings import Settings

SERVICES = Settings.model_fields["webpush_services"].default.split(",")
GUARD = Guard([*SERVICES, "push.example.org:8443", "*.example.net"])
ANYWHERE = Guard(["*"], private=True)
FCM = "https://fcm.googleapis.com"

TAKEN = [
    f"{FCM}/fcm/send/dK8x:APA91bH-_x",
    f"{FCM}:443/wp/abc?x=1",
    "https://FCM.GoogleAPIs.com/fcm/send/abc",
    "https://fcm.googleapis.com./fcm/send/abc",
    "https://updates.push.services.mozilla.com/wpush/v2/gAAAAABk",
    "https://web.push.apple.com/QGuQyavXutnMHq",
    "https://db5p.notify.windows.com/w/?token=BQYAAAB%2bKx",
    "https://wns2-by3p.notify.windows.com/w/?token=abc",
    "https://push.example.org:8443/1",
    "https://a.b.example.net/1",
]

REFUSED = {
    "http": "http://fcm.googleapis.com/fcm/send/abc",
    "another scheme": "ftp://fcm.googleapis.com/abc",
    "a file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:6379/_FLUSHALL",
    "no scheme": "//fcm.googleapis.com/abc",
    "no host": "https:///abc",
    "nothing": "",
    "another host": "https://example.com/abc",
    "the name as a suffix": "https://evilfcm.googleapis.com/abc",
    "the name as a prefix": "https://fcm.googleapis.com.evil.example/abc",
    "the bare suffix": "https://notify.windows.com/abc",
    "the suffix without its dot": "https://evilnotify.windows.com/abc",
    "an empty label": "https://.notify.windows.com/abc",
    "two dots": "https://a..notify.windows.com/abc",
    "two dots at the end": "https://fcm.googleapis.com../abc",
    "credentials": "https://fcm.googleapis.com@127.0.0.1/abc",
    "a user": "https://user@fcm.googleapis.com/abc",
    "a user and a password": "https://user:password@fcm.googleapis.com/abc",
    "credentials behind a backslash": "https://fcm.googleapis.com\\@127.0.0.1/abc",
    "a backslash": "https:\\\\fcm.googleapis.com\\abc",
    "a fragment": f"{FCM}/abc#x",
    "a host behind a fragment": "https://127.0.0.1#fcm.googleapis.com/",
    "a host behind a query": "https://127.0.0.1?fcm.googleapis.com/",
    "a query without a path": f"{FCM}?x",
    "another port": f"{FCM}:8443/abc",
    "port 0": f"{FCM}:0/abc",
    "a port too large": f"{FCM}:65536/abc",
    "an empty port": f"{FCM}:/abc",
    "a port with a sign": f"{FCM}:+443/abc",
    "another port than the pattern's": "https://push.example.org/1",
    "a space": f"{FCM}/a b",
    "a space before": f" {FCM}/abc",
    "a line end": f"{FCM}/abc\r\nHost: evil",
    "a line end after": f"{FCM}/abc\n",
    "a tab in the host": "https://fcm.goo\tgleapis.com/abc",
    "a zero byte": f"{FCM}/abc\0",
    "not ASCII": f"{FCM}/ä",
    "full-width letters": "https://\uff46\uff43\uff4d.googleapis.com/abc",
    "a full-width dot": "https://fcm\u3002googleapis.com/abc",
    "a Cyrillic letter": "https://fcm.g\u043e\u043egleapis.com/abc",
    "an escaped host": "https://fcm%2egoogleapis.com/abc",
    "too long": f"{FCM}/{'a' * MAX_LENGTH}",
    "localhost": "https://localhost/abc",
    "an IPv4 address": "https://127.0.0.1/abc",
    "a public IPv4 address": "https://8.8.8.8/abc",
    "an IPv4 address with a dot": "https://127.0.0.1./abc",
    "a short IPv4 address": "https://127.1/abc",
    "an IPv4 address as a number": "https://2130706433/abc",
    "an octal IPv4 address": "https://0177.0.0.1/abc",
    "a hexadecimal IPv4 address": "https://0x7f.0.0.1/abc",
    "a hexadecimal number": "https://0x7f000001/abc",
    "an IPv6 address": "https://[::1]/abc",
    "an IPv4 address in IPv6": "https://[::ffff:127.0.0.1]/abc",
    "a scoped IPv6 address": "https://[fe80::1%25eth0]/abc",
    "no IPv6 address": "https://[fcm.googleapis.com]/abc",
    "the metadata service": "https://169.254.169.254/latest/meta-data/",
    "the metadata service by name": "https://metadata.google.internal/",
}  # fmt: skip


@pytest.mark.parametrize("url", TAKEN)
def test_endpoints_of_push_services_are_taken(url: str) -> None:
    GUARD.check(url)


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
def test_everything_else_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(EndpointRefused) as refused:
        GUARD.check(url)
    assert not url or url not in str(refused.value)


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
def test_allowing_all_names_allows_neither_addresses_nor_http(url: str) -> None:
    guard = Guard(["*"])
    try:
        origin = guard.check(url).origin
    except EndpointRefused:
        return
    assert origin.scheme == "https"
    assert origin.port == 443
    assert any(letter.isalpha() for letter in origin.host)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8123/push/1", "http://localhost/1", "https://[::1]:1/", "https://10.0.0.1:65535/1"],
)
def test_where_it_is_allowed_they_may_be_private(url: str) -> None:
    ANYWHERE.check(url)


def test_also_where_private_ones_are_allowed_only_the_listed_are() -> None:
    guard = Guard(["127.0.0.1", "localhost"], private=True)
    guard.check("http://127.0.0.1:8123/1")
    with pytest.raises(EndpointRefused, match="not a push service"):
        guard.check("http://127.0.0.2:8123/1")


@pytest.mark.parametrize("host", ["0x7f000001", "127.1", "0177.0.0.1", "2130706433", "127.0.0.01"])
def test_an_address_has_one_spelling(host: str) -> None:
    with pytest.raises(EndpointRefused, match="not a host name"):
        ANYWHERE.check(f"http://{host}/1")


def test_who_lists_no_service_takes_no_endpoint() -> None:
    with pytest.raises(EndpointRefused):
        Guard([" ", ""]).check(TAKEN[0])


def test_names_of_services_may_be_spelled_in_any_way() -> None:
    guard = Guard([" Push.Example.COM. ", "*.Bücher.example"])
    guard.check("https://push.example.com/1")
    guard.check("https://push.xn--bcher-kva.example/1")


@pytest.mark.parametrize(
    "service", ["push example", "https://push.example.com", "a..b", "push.example.com:x"]
)
def test_what_is_no_name_of_a_service_is_refused_at_once(service: str) -> None:
    with pytest.raises(ValueError):
        Guard([service])


def test_an_endpoint_is_read_into_parts() -> None:
    endpoint = read("HTTPS://Push.Example.Com.:8443/a/b?c=%20d")
    assert endpoint == Endpoint(Origin("https", "push.example.com", 8443), "/a/b?c=%20d")
    assert read("https://[0:0::1]").origin == Origin("https", "::1", 443)
    assert read("https://[0:0::1]").target == "/"


@given(st.text(max_size=60))
def test_whatever_is_given_as_an_endpoint_is_judged_and_nothing_else_happens(text: str) -> None:
    for url in (text, f"https://{text}", f"{FCM}/{text}"):
        try:
            endpoint = GUARD.check(url)
        except EndpointRefused:
            continue
        assert endpoint.origin == Origin("https", "fcm.googleapis.com", 443)
        assert endpoint.target.isascii()
        assert endpoint.target.isprintable()
