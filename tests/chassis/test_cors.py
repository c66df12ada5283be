"""Pages of other origins may call the API, as far as the settings say."""

import pytest
from fastapi import APIRouter
from httpx import ASGITransport, AsyncClient

from chassis import app as web
from chassis.service import Service
from chassis.settings import Settings

SITE = "https://app.example"
router = APIRouter()


@router.get("/thing")
async def thing() -> dict[str, str]:
    return {"a": "b"}


def client(**settings: str) -> AsyncClient:
    app = web.create([Service("things", routers=[router])], Settings.model_validate(settings))
    return AsyncClient(transport=ASGITransport(app), base_url="http://parley")


async def test_any_origin_may_read_answers_unless_told_otherwise() -> None:
    async with client() as http:
        answer = await http.get("/thing", headers={"Origin": SITE})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_preflight_allows_what_the_sdk_sends() -> None:
    asked = {
        "Origin": SITE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
    }
    async with client() as http:
        answer = await http.options("/thing", headers=asked)
    assert answer.status_code == 200


@pytest.mark.parametrize(("origin", "allowed"), [(SITE, SITE), ("https://evil.example", None)])
async def test_only_the_named_origins_are_allowed(origin: str, allowed: str | None) -> None:
    async with client(allowed_origins=f"{SITE}, https://other.example") as http:
        answer = await http.get("/thing", headers={"Origin": origin})
    assert answer.headers.get("access-control-allow-origin") == allowed
