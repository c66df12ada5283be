"""Pushes of `parley up`: browsers are told at once, and what would go to phones is printed."""

import stat
from collections.abc import Iterator
from uuid import uuid4

import pytest
from browsers import Browser
from running import Up, parley, running, token


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with running(tmp_path_factory.mktemp("up"), PARLEY_PUSH_DELAY="0") as up:
        yield up


def posted(up: Up, room: str, body: str) -> str:
    """By u1, to u2, who is a member; its id."""
    with up.client(token(up.data, "u2")) as client:
        client.post(f"/v1/rooms/{room}/comments", json={"body": "I am in"}).raise_for_status()
    status, output = parley("post", room, body, "--url", up.url, "--data-dir", str(up.data))
    assert status == 0, output
    return output.split()[-1]


def explained(up: Up, comment: str) -> str:
    status, output = parley("explain", comment, "u2", "--url", up.url, "--data-dir", str(up.data))
    assert status == 0, output
    return output


def test_what_would_go_to_a_phone_is_printed_and_explained(up: Up) -> None:
    with up.client(token(up.data, "u2")) as client:
        registration = {"platform": "fcm", "token": "a-token-that-nobody-sees"}
        client.put("/v1/devices/phone", json=registration).raise_for_status()
    comment = posted(up, "chat-1", "tea is ready")
    assert up.process.stdout is not None
    line = next(line for line in up.process.stdout if "tea is ready" in line)
    assert "fcm" in line.lower()
    assert "a-token-that-nobody-sees" not in line
    while "handed to the push service" not in (output := explained(up, comment)):
        assert comment
    assert "phone" in output


def test_web_push_is_on_with_a_key_that_is_kept(up: Up) -> None:
    with up.client(token(up.data, "u2")) as client:
        offer = client.get("/v1/push").json()
        assert "webpush" in offer["platforms"]
        assert offer["webPush"]["publicKey"]
        browser = Browser(f"http://127.0.0.1:9/{uuid4().hex}")
        client.put(
            "/v1/devices/browser", json={"platform": "webpush", "subscription": browser.subscription}
        ).raise_for_status()
        details = client.get("/readyz").json()["details"]
    assert details["notifier.webpush"] == "on"
    assert details["notifier.apns"] == "console: PARLEY_APNS_KEY_FILE is not set"
    key = up.data / "secrets" / "webpush-key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
