"""Every error is answered as problem details."""

from typing import Annotated, Any

import httpx
import pytest
import structlog
from fastapi import APIRouter, Body, Header
from pydantic import BaseModel, Field

from chassis.app import create
from chassis.auth import Caller
from chassis.problems import MEDIA_TYPE, Problem, answers
from chassis.serving import Service
from chassis.settings import Settings


class NotTheAuthor(Problem):
    """Only a comment's author may change it.

    More for whoever reads the code.
    """

    status, code = 403, "not_the_author"


class Draft(BaseModel):
    body: str = Field(max_length=5)


router = APIRouter()


@router.get("/refuse", responses=answers(NotTheAuthor))
async def refuse() -> None:
    raise NotTheAuthor("it is u2's", headers={"X-Why": "author"}, author="u2")


@router.post("/drafts")
async def draft(draft: Draft, weight: Annotated[int, Header()] = 0) -> int:
    return len(draft.body) + weight


@router.post("/numbers")
async def numbers(numbers: Annotated[list[int], Body()]) -> int:
    return sum(numbers)


@router.get("/break")
async def break_down() -> None:
    raise RuntimeError("the password is hunter2")


@router.get("/me")
async def me(caller: Caller) -> str:
    return caller.user


@pytest.fixture
def client(settings: Settings) -> httpx.AsyncClient:
    app = create([Service("test", [router])], settings)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://test"
    )


async def test_a_problem_says_what_kind_it_is_and_what_happened(client: httpx.AsyncClient) -> None:
    answer = await client.get("/refuse")
    assert (answer.status_code, answer.headers["content-type"], answer.headers["x-why"]) == (
        403,
        MEDIA_TYPE,
        "author",
    )
    assert answer.json() == {
        "type": "/problems/not_the_author",
        "title": "Only a comment's author may change it.",
        "status": 403,
        "code": "not_the_author",
        "detail": "it is u2's",
        "author": "u2",
    }


async def test_an_invalid_field_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.post("/drafts", json={"body": "too long"}, headers={"weight": "heavy"})
    assert answer.status_code == 422
    assert [(error["in"], error["field"]) for error in answer.json()["errors"]] == [
        ("header", "weight"),
        ("body", "body"),
    ]


async def test_a_giant_invalid_body_is_not_sent_back(client: httpx.AsyncClient) -> None:
    answer = await client.post("/numbers", json=["secret" * 1000] * 30)
    assert answer.status_code == 422
    assert len(answer.content) < 10_000
    assert b"secret" not in answer.content


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 50_000, b"\xff", b'{"body": 1'])
async def test_what_is_no_json_is_the_clients_mistake(body: bytes, client: httpx.AsyncClient) -> None:
    answer = await client.post("/drafts", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == MEDIA_TYPE


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nowhere", 404, "not_found"), ("DELETE", "/refuse", 405, "method_not_allowed")],
)
async def test_the_frameworks_own_errors_are_problems_too(
    method: str, path: str, status: int, code: str, client: httpx.AsyncClient
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["code"], answer.headers["content-type"]) == (
        status,
        code,
        MEDIA_TYPE,
    )


async def test_an_unexpected_error_is_logged_and_not_shown(client: httpx.AsyncClient) -> None:
    with structlog.testing.capture_logs() as logs:
        answer = await client.get("/break")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "hunter2" not in answer.text
    assert logs == [
        {"event": "request.failed", "log_level": "error", "method": "GET", "path": "/break", "exc_info": True}
    ]


async def test_the_description_tells_of_problems_and_of_the_token(client: httpx.AsyncClient) -> None:
    described: dict[str, Any] = (await client.get("/openapi.json")).json()
    refusals = described["paths"]["/refuse"]["get"]["responses"]["403"]
    assert refusals["description"] == "Only a comment's author may change it."
    assert refusals["content"][MEDIA_TYPE]["examples"]["not_the_author"]["value"]["status"] == 403
    assert MEDIA_TYPE in described["paths"]["/drafts"]["post"]["responses"]["422"]["content"]
    assert described["paths"]["/me"]["get"]["security"] == [{"bearer": []}]
    assert set(described["components"]["schemas"]) == {"Draft", "Problem"}
    assert "/healthz" not in described["paths"]


def test_two_problems_of_one_status_share_an_answer() -> None:
    class Muted(Problem):
        """You are muted."""

        status, code = 403, "muted"

    documented = answers(NotTheAuthor, Muted)[403]
    assert documented["description"] == "Only a comment's author may change it. You are muted."
    assert set(documented["content"][MEDIA_TYPE]["examples"]) == {"not_the_author", "muted"}
