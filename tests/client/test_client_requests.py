import httpx
import pytest
from client.conftest import AT_ONCE
from client.faulty_server import Fault, FaultyServer

from parley import Client, GaveUp, Refused

CUT = Fault()
CUT_AFTER_COMMIT = Fault(commit=True)


async def test_a_post_answers_the_comment(client: Client, server: FaultyServer) -> None:
    comment = await client.post("lobby", "hello", client_id="k1", image_meta={"width": 3})
    assert comment["offset"] == 1
    assert server.posts == [{"body": "hello", "clientId": "k1", "imageMeta": {"width": 3}}]


async def test_a_post_is_urgent_if_it_is_said_to_be(client: Client, server: FaultyServer) -> None:
    await client.post("lobby", "fire", client_id="k1", urgent=True)
    assert server.posts == [{"body": "fire", "clientId": "k1", "urgent": True}]


@pytest.mark.parametrize("fault", [CUT, Fault(429, {"retry-after": "0"}), Fault(500), Fault(503)])
async def test_a_post_is_repeated_through_passing_trouble(
    client: Client, server: FaultyServer, fault: Fault
) -> None:
    server.faults.extend([fault, fault])
    await client.post("lobby", "hello")
    assert len(server.posts) == 3


async def test_a_post_whose_answer_was_lost_is_posted_once(client: Client, server: FaultyServer) -> None:
    server.faults.append(CUT_AFTER_COMMIT)
    await client.post("lobby", "hello")
    assert server.posts[0] == server.posts[1]
    assert len(server.comments) == 1


async def test_two_posts_have_keys_of_their_own(client: Client, server: FaultyServer) -> None:
    await client.post("lobby", "hello")
    await client.post("lobby", "hello")
    assert len(server.comments) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422])
async def test_a_refusal_is_raised_and_not_repeated(
    client: Client, server: FaultyServer, status: int
) -> None:
    server.faults.append(Fault(status))
    with pytest.raises(Refused) as refused:
        await client.post("lobby", "hello")
    assert (refused.value.status, refused.value.code, refused.value.detail) == (status, "told_to", "Told to.")
    assert len(server.posts) == 1


async def test_a_server_that_asks_for_more_patience_than_there_is_is_given_up_on(
    client: Client, server: FaultyServer
) -> None:
    server.faults.append(Fault(429, {"retry-after": "3600"}))
    with pytest.raises(GaveUp) as gave_up:
        await client.post("lobby", "hello")
    assert isinstance(gave_up.value.__cause__, Refused)
    assert len(server.posts) == 1


async def test_a_server_that_is_away_is_given_up_on_when_patience_ends(server: FaultyServer) -> None:
    server.faults.extend([CUT] * 1000)
    async with Client(server.url, "a-token", patience=0.1, backoff=AT_ONCE) as client:
        with pytest.raises(GaveUp) as gave_up:
            await client.post("lobby", "hello")
    assert isinstance(gave_up.value.__cause__, httpx.TransportError)


async def test_history_is_asked_for_as_documented(client: Client, server: FaultyServer) -> None:
    assert (await client.history("a,b", before=7, limit=3))["comments"] == []
    assert server.heads[0].startswith("GET /v1/rooms/a%2Cb/comments?limit=3&before=7 HTTP/1.1\r\n")
    assert "Bearer a-token" in server.heads[0]


async def test_a_comment_is_edited_read_and_removed_by_its_id(client: Client, server: FaultyServer) -> None:
    server.faults.extend(Fault(200, commit=commit) for commit in (False, False, True, False))
    await client.edit("c1", "better")
    await client.comment("c1")
    await client.history_of("c1")
    await client.remove("c1")
    assert [head.partition(" HTTP")[0] for head in server.heads] == [
        "PATCH /v1/comments/c1",
        "GET /v1/comments/c1",
        "GET /v1/comments/c1/history",
        "DELETE /v1/comments/c1",
    ]
