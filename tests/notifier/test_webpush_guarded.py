"""Endpoints and answers come from outside: where pushes are never sent, and what is never said of them."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

import pytest
from certificates import Authority
from fakewebpush import FakeWebPush, device
from pushservice import Answer, Cut, Reset, Step
from webpushing import Post, posting, push_to

from notifier import addresses
from notifier.endpoints import Guard
from notifier.model import Device
from notifier.sender import Delivered, Outcome, Rejected, Retry, Unknown

NAME = "localhost"
"""A name for which there is a certificate; where it leads is what the tests say."""


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


class Answers:
    """A resolver whose answers change; the last one stays."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        assert host == NAME
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
async def service(authority: Authority) -> AsyncIterator[FakeWebPush]:
    """Known by its name; it has no address that the public could reach."""
    async with FakeWebPush.serve(authority) as service:
        service.origin = f"https://{NAME}:{service.port}"
        yield service


def guard(service: FakeWebPush) -> Guard:
    return Guard([f"{NAME}:{service.port}"])


async def sent(service: FakeWebPush, answers: Answers, guard: Guard, count: int = 1) -> list[Outcome]:
    """One after the other, each over a connection of its own."""
    outcomes = []
    for number, to in enumerate(service.devices(count)):
        sender = service.sender(deadline=10, resolve=answers, guard=guard)
        outcomes.append(await sender.send(push_to(to, number)))
        await sender.close()
    return outcomes


async def test_a_name_that_leads_to_this_machine_is_not_connected_to(service: FakeWebPush) -> None:
    answers = Answers(["127.0.0.1"])
    (outcome,) = await sent(service, answers, guard(service))
    assert outcome == Rejected("leads into a network that is not public")
    assert (answers.asked, service.connections) == (1, 0)


async def test_a_name_that_leads_elsewhere_the_second_time_is_refused_then(
    service: FakeWebPush, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here 127.0.0.1 counts as public: it is the only address at which the service can be."""
    monkeypatch.setattr(addresses, "is_public", lambda address: address == "127.0.0.1")
    answers = Answers(["127.0.0.1"], ["10.0.0.1"])
    first, second = await sent(service, answers, guard(service), 2)
    assert isinstance(first, Delivered)
    assert second == Rejected("leads into a network that is not public")
    assert (answers.asked, service.connections) == (2, 1)


async def test_the_address_that_was_looked_at_is_the_one_that_is_connected_to(
    service: FakeWebPush, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing resolves the name again in between."""
    monkeypatch.setattr(addresses, "is_public", lambda address: address == "127.0.0.1")
    asked: list[object] = []
    loop = asyncio.get_running_loop()
    resolve: Callable[..., object] = loop.getaddrinfo

    def counted(host: object, *args: object, **options: object) -> object:
        asked.append(host)
        return resolve(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", counted)
    answers = Answers(["127.0.0.1"], ["127.0.0.2"])
    assert isinstance((await sent(service, answers, guard(service)))[0], Delivered)
    assert NAME not in asked
    assert answers.asked == 1


async def test_if_the_first_address_does_not_answer_the_next_one_does(service: FakeWebPush) -> None:
    answers = Answers(["127.0.0.9", "127.0.0.1"])
    (outcome,) = await sent(service, answers, Guard(["*"], private=True))
    assert isinstance(outcome, Delivered)


async def test_a_name_that_nobody_knows_is_tried_again_later(service: FakeWebPush) -> None:
    async def unknown(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    sender = service.sender(deadline=10, resolve=unknown, guard=guard(service))
    outcome = await sender.send(push_to(service.devices(1)[0]))
    assert outcome == Retry(1, "the name does not resolve: gaierror")
    await sender.close()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "https://10.0.0.1/", "https://example.com/", "https://a@localhost/", "x"]
)
async def test_an_endpoint_that_the_guard_refuses_by_now_is_not_sent_to(
    service: FakeWebPush, url: str
) -> None:
    answers = Answers(["127.0.0.1"])
    sender = service.sender(deadline=10, resolve=answers, guard=guard(service))
    outcome = await sender.send(push_to(replace(service.devices(1)[0], address=url)))
    assert type(outcome) is Rejected
    assert not outcome.ours
    assert answers.asked == 0


@pytest.mark.parametrize("keys", [{}, {"p256dh": "x", "auth": "y"}], ids=["none", "wrong"])
async def test_without_keys_nothing_can_be_encrypted_and_nothing_is_sent(
    service: FakeWebPush, keys: dict[str, str]
) -> None:
    sender = service.sender(deadline=10)
    outcome = await sender.send(push_to(replace(service.devices(1)[0], keys=keys)))
    assert type(outcome) is Rejected
    assert service.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with posting() as post, posting() as elsewhere:
        post.service.script(Answer(status, {"location": elsewhere.browser.endpoint}))
        assert await post.send() == Rejected(str(status))
        assert elsewhere.service.connections == 0


async def test_a_service_with_a_certificate_of_nobody_we_trust_gets_nothing(service: FakeWebPush) -> None:
    sender = service.sender(deadline=10, tls=Authority().client_context())
    outcome = await sender.send(push_to(service.devices(1)[0]))
    assert outcome == Retry(1, "no connection: SSLCertVerificationError")
    assert service.arrivals == []
    await sender.close()


async def test_a_service_with_a_certificate_of_another_name_gets_nothing(service: FakeWebPush) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    sender = service.sender(deadline=10, resolve=resolve)
    to = service.devices(1)[0]
    another = replace(to, address=to.address.replace(NAME, "push.example.net"))
    assert await sender.send(push_to(another)) == Retry(1, "no connection: SSLCertVerificationError")
    await sender.close()


async def test_a_port_where_nobody_speaks_holds_a_push_up_to_its_deadline_and_not_longer() -> None:
    """TCP is answered, TLS never."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"https://127.0.0.1:{silent.getsockname()[1]}/push/1"
        async with posting(deadline=0.2) as post:
            to: Device = replace(post.device, address=address)
            assert isinstance(await post.sender.send(push_to(to)), Retry)


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with posting() as proxy, posting() as post:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.service.origin)
        assert isinstance(await post.send(), Delivered)
        assert proxy.service.connections == 0


async def fail_in_every_way(post: Post) -> list[Outcome]:
    refusals = post.service.refusals()
    echo = Answer(400, {"location": post.browser.endpoint}, post.browser.endpoint.encode())
    steps: list[Step] = [refusals["gone"], refusals["forbidden"], refusals["broken"], echo, Reset(), Cut()]
    post.service.script(*steps)
    return [await post.send(number) for number, _ in enumerate([*steps, None])]


@pytest.mark.parametrize("http2", [False, True], ids=["http/1.1", "http/2"])
async def test_neither_endpoints_nor_keys_are_logged_or_told_as_a_reason(
    authority: Authority, http2: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with posting(authority, http2=http2) as post:
        outcomes = await fail_in_every_way(post)
        keys = post.browser.subscription["keys"]
        authorization = post.service.arrivals[0].fields["authorization"]
    assert Unknown in {type(outcome) for outcome in outcomes}
    secret = post.browser.endpoint.rpartition("/")[2]
    said = caplog.text + "".join(repr(outcome) for outcome in outcomes)
    for one in (secret, keys["p256dh"], keys["auth"], authorization):
        assert one not in said
    assert device("d1", post.browser).address not in said
