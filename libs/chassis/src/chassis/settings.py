"""What a process is told from outside, as `PARLEY_*` variables.

Nothing is read when this module is imported: a `__main__` makes one `Settings()` and hands it down. A service
adds its own fields in a subclass.
"""

import ipaddress
from typing import Annotated, Literal, TypedDict
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "PARLEY_"
MIN_SECRET = 32
"""Bytes: an HS256 key shorter than the hash is weaker than the hash (RFC 7518, section 3.2)."""


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value().encode()) < MIN_SECRET:
        raise ValueError(f"must be at least {MIN_SECRET} bytes; make one with: openssl rand -hex 32")
    return secret


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an http or https address")
    return url


def _networks(proxies: str) -> str:
    for proxy in filter(None, map(str.strip, proxies.split(","))):
        if proxy != "*":
            ipaddress.ip_network(proxy)
    return proxies


class Login(TypedDict):
    user: str | None
    password: str | None


class Settings(BaseSettings):
    """What every service is told; an empty variable counts as unset."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    app_id: str = Field(default="default", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    """Names this installation in subjects, so that several can share one NATS."""
    host: str = "127.0.0.1"
    """The address to listen on; 0.0.0.0 is every one."""
    port: int = Field(default=8000, ge=0, le=65535)
    """0 takes any free port."""

    jwt_secret: Annotated[SecretStr, AfterValidator(_long_enough)] | None = None
    """Shared with the app that signs HS256 tokens."""
    jwks_url: Annotated[str, AfterValidator(_web_address)] | None = None
    """Where that app publishes the public keys of RS, ES or EdDSA tokens."""
    jwt_audience: str | None = None
    """If set, a token's `aud` must name it."""
    jwt_issuer: str | None = None
    """If set, a token's `iss` must be it."""
    jwt_leeway: float = Field(default=5, ge=0, le=300)
    """Seconds by which two machines' clocks may differ."""

    nats_url: str = "nats://127.0.0.1:4222"
    """May carry user and password, or they are set apart."""
    nats_user: str | None = None
    nats_password: SecretStr | None = None
    database_url: SecretStr | None = None
    """Postgres, as `postgresql://user:password@host:port/database`; the user owns or may make the schemas."""

    rate_limits: Literal["on", "off"] = "on"
    """`off` lifts every limit on how often somebody may ask: for load tests."""
    rate_user: float = Field(default=50, gt=0)
    """Requests per second that one user may make in the long run."""
    rate_user_burst: float = Field(default=100, ge=1)
    rate_address: float = Field(default=200, gt=0)
    """The same per address; a whole office may share one."""
    rate_address_burst: float = Field(default=400, ge=1)
    trusted_proxies: Annotated[str, AfterValidator(_networks)] = ""
    """Addresses and networks, comma-separated, whose `X-Forwarded-For` is believed; `*` believes anyone."""
    allowed_origins: str = "*"
    """Web origins, comma-separated, whose pages may call the API; `*` allows all, as it takes a token."""
    max_body: int = Field(default=256 * 1024, ge=1024)
    """Bytes in an HTTP request's body."""
    head_seconds: float = Field(default=10, gt=0)
    """Within which an HTTP request's head must have come."""
    body_seconds: float = Field(default=30, gt=0)
    """Within which its body must have."""
    stall_seconds: float = Field(default=30, gt=0)
    """Within which a client must take something of what waits for it; else it is cut, or told to resume."""
    http_waiting: int = Field(default=5_000, ge=1)
    """HTTP connections that are waited for, to ask or to take an answer; beyond, the longest is cut."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    start_patience: float = Field(default=60, gt=0, le=3600)
    """Seconds that a starting process waits for Postgres and NATS before it ends with status 1."""
    drain_seconds: float = Field(default=10, ge=0, le=600)
    """How long a stopping process may take to finish what it has begun."""

    def nats_login(self) -> Login:
        """User and password for NATS, where they are set apart from its URL."""
        password = self.nats_password.get_secret_value() if self.nats_password else None
        return Login(user=self.nats_user, password=password)


def describe(error: ValidationError) -> str:
    """One line per invalid field, naming its variable and never its value."""
    return "\n".join(f"{_variable(problem['loc'])}: {_reason(problem['msg'])}" for problem in error.errors())


def _variable(location: tuple[int | str, ...]) -> str:
    return PREFIX + str(location[0]).upper() if location else "settings"


def _reason(message: str) -> str:
    return message.removeprefix("Value error, ")
