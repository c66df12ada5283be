"""Settings come from `PARLEY_*` and explain themselves when they are wrong."""

import pytest
from pydantic import ValidationError

from chassis.settings import Settings, describe


def test_a_variable_sets_its_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_APP_ID", "shop")
    monkeypatch.setenv("PARLEY_PORT", "8123")
    assert (Settings().app_id, Settings().port) == ("shop", 8123)


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_JWT_SECRET", "")
    assert Settings().jwt_secret is None


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PARLEY_APP_ID", "a.b"),
        ("PARLEY_APP_ID", "ok\n"),
        ("PARLEY_APP_ID", "x" * 65),
        ("PARLEY_PORT", "65536"),
        ("PARLEY_JWT_SECRET", "x" * 31),
        ("PARLEY_JWKS_URL", "file:///etc/passwd"),
        ("PARLEY_RATE_LIMITS", "maybe"),
        ("PARLEY_RATE_USER", "-7"),
        ("PARLEY_TRUSTED_PROXIES", "10.0.0.0/8, nonsense"),
        ("PARLEY_LOG_FORMAT", "xml"),
    ],
)
def test_a_wrong_value_is_named_by_its_variable_and_never_shown(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert describe(caught.value).startswith(f"{variable}: ")
    assert value not in describe(caught.value) + str(caught.value).replace(variable, "")


def test_every_wrong_variable_gets_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_PORT", "high")
    monkeypatch.setenv("PARLEY_JWT_SECRET", "short")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert [line.partition(":")[0] for line in describe(caught.value).splitlines()] == [
        "PARLEY_PORT",
        "PARLEY_JWT_SECRET",
    ]


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_JWT_SECRET", "do-not-show-" * 3)
    monkeypatch.setenv("PARLEY_DATABASE_URL", "postgresql://u:do-not-show@h/d")
    assert "do-not-show" not in repr(Settings())


def test_proxies_may_be_addresses_and_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_TRUSTED_PROXIES", "10.0.0.0/8, ::1,192.0.2.7")
    assert Settings().trusted_proxies == "10.0.0.0/8, ::1,192.0.2.7"
