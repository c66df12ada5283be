"""The files behind notifications, as browsers get them."""

import io
import runpy
import wave
from pathlib import Path
from typing import Any

import httpx
import pytest

from parley_cli import site

ROOT = Path(__file__).resolve().parents[2]


async def get(path: str) -> httpx.Response:
    transport = httpx.ASGITransport(site.service(None).mounts["/"])
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.get(path)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/sw.js", "text/javascript"),
        ("/app.webmanifest", "application/manifest+json"),
        ("/sounds/notification.wav", "audio/"),
        ("/icon.png", "image/png"),
        ("/badge-icon.png", "image/png"),
    ],
)
async def test_each_is_served_as_what_it_is_and_asked_for_again_when_it_may_be_new(
    path: str, kind: str
) -> None:
    response = await get(path)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith(kind)
    assert response.headers["cache-control"] == "no-cache"


def test_the_sound_is_what_its_tool_makes_and_small() -> None:
    tool: dict[str, Any] = runpy.run_path(str(ROOT / "tools/chime.py"))
    made: bytes = tool["chime"]()
    assert made == (ROOT / "web/sounds/notification.wav").read_bytes(), "run: python tools/chime.py"
    assert len(made) < 20_000
    with wave.open(io.BytesIO(made)) as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (1, 16_000)
