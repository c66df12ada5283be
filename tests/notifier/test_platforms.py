"""Which platforms are on, and what is said of settings that cannot be used."""

from pathlib import Path

import pytest

from notifier.platforms import BadCredentials, platforms_of
from notifier.settings import Settings
from notifier.vapid import Key


def settings(**told: object) -> Settings:
    return Settings.model_validate(told)


async def test_without_credentials_every_platform_is_off_and_says_which_setting_is_missing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    platforms = platforms_of(settings(), print)
    assert (platforms.on, platforms.off) == ([], ["apns", "fcm", "webpush"])
    assert platforms.public_key is None
    assert platforms.states["apns"] == "off: PARLEY_APNS_KEY_FILE is not set"
    assert caplog.text.count("are off") == 3


async def test_with_a_key_web_push_is_on(tmp_path: Path) -> None:
    file, key = tmp_path / "key.pem", Key.new()
    file.write_bytes(key.pem)
    platforms = platforms_of(settings(webpush_key_file=file), print)
    assert platforms.on == ["webpush"]
    assert platforms.public_key == key.public
    assert platforms.states["webpush"] == "on"
    await platforms.close()


async def test_the_console_stands_in_for_phones_and_not_for_browsers() -> None:
    platforms = platforms_of(settings(push_console=True), print)
    assert platforms.on == ["apns", "fcm"]
    assert platforms.states["fcm"].startswith("console: ")
    await platforms.close()


PHONE = {"apns_key_file": "missing.p8", "apns_key_id": "a", "apns_team_id": "b", "apns_topic": "c"}

BROKEN = {
    "no such file": (PHONE, "missing.p8 cannot be read: FileNotFoundError"),
    "half of it": (
        {"apns_key_file": "missing.p8", "apns_topic": "c"},
        "PARLEY_APNS_KEY_ID and PARLEY_APNS_TEAM_ID",
    ),
    "no JSON": ({"fcm_credentials_file": "EMPTY"}, "PARLEY_FCM_CREDENTIALS_FILE"),
    "nested": ({"fcm_credentials_file": "DEEP"}, "nested too deep"),
    "no key": ({"webpush_key_file": "EMPTY"}, "PARLEY_WEBPUSH_KEY_FILE"),
    "no host": ({"webpush_services": "https://example.com/"}, "PARLEY_WEBPUSH_SERVICES"),
    "no certificates": ({"webpush_key_file": "KEY", "push_ca_file": "EMPTY"}, "PARLEY_PUSH_CA_FILE"),
}


@pytest.mark.parametrize(("told", "said"), BROKEN.values(), ids=BROKEN)
async def test_settings_that_cannot_be_used_are_named(
    told: dict[str, str], said: str, tmp_path: Path
) -> None:
    (tmp_path / "empty").write_text("")
    (tmp_path / "key").write_bytes(Key.new().pem)
    (tmp_path / "deep").write_text("[" * 100_000)
    files = {"DEEP": str(tmp_path / "deep"), "EMPTY": str(tmp_path / "empty"), "KEY": str(tmp_path / "key")}
    with pytest.raises(BadCredentials, match=said):
        platforms_of(settings(**{name: files.get(value, value) for name, value in told.items()}), print)
