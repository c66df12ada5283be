"""One FastAPI app out of the services that share a process."""

from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware

from chassis import health, problems
from chassis.auth import Verifier
from chassis.bodies import BodyLimit
from chassis.health import State
from chassis.limits import Limits
from chassis.problems import InvalidRequest
from chassis.requests import Requests, duration
from chassis.service import Service
from chassis.settings import Settings
from chassis.telemetry import Telemetry

__all__ = ["State", "create"]


def create(
    services: Sequence[Service],
    settings: Settings,
    *,
    state: State | None = None,
    telemetry: Telemetry | None = None,
    verifier: Verifier | None = None,
) -> FastAPI:
    """All routers, `/healthz`, `/readyz` and `/metrics`, behind the body limit; errors answered as problems.

    The verifier and the limits are put where `chassis.auth.identify` looks for them. There is no
    documentation page, which would load scripts from elsewhere: `/openapi.json` has it all.
    """
    app = FastAPI(
        title="Parley",
        version=version("parley-chassis"),
        summary="Real-time comments and chat: an ordered, durable log behind every socket.",
        docs_url=None,
        redoc_url=None,
        routes=list(health.routes(state or State(services), telemetry)),
        generate_unique_id_function=_operation,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.verifier = verifier
    app.state.limits = Limits.of(settings)
    problems.install(app)
    app.add_middleware(BodyLimit, limit=settings.max_body)
    _allow_origins(app, settings.allowed_origins)
    app.state.duration = None if telemetry is None else duration(telemetry)
    if app.state.duration is not None:
        app.add_middleware(Requests, duration=app.state.duration)
    for service in services:
        for router in service.routers:
            app.include_router(router)
    for service in services:
        for path, mounted in service.mounts.items():
            app.mount(path, mounted, name=service.name)
    app.openapi = partial(_openapi, app, app.openapi)  # type: ignore[method-assign]
    return app


def _allow_origins(app: FastAPI, allowed: str) -> None:
    origins = [origin.strip() for origin in allowed.split(",") if origin.strip()]
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "Last-Event-ID",
                "traceparent",
            ],
            expose_headers=["Link", "Location", "Retry-After"],
            max_age=86_400,
        )


def _operation(route: APIRoute) -> str:
    return route.name


def _openapi(app: FastAPI, generate: Any) -> dict[str, Any]:
    """FastAPI describes a 422 in its own form; ours is a problem."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    description: dict[str, Any] = generate()
    schemas = description.setdefault("components", {}).setdefault("schemas", {})
    for own in ("HTTPValidationError", "ValidationError"):
        schemas.pop(own, None)
    schemas["Problem"] = dict(problems.SCHEMA)
    invalid = problems.answers(InvalidRequest)[InvalidRequest.status]
    for operations in description.get("paths", {}).values():
        for operation in operations.values():
            if "HTTPValidationError" in str(operation.get("responses", {}).get("422", "")):
                operation["responses"]["422"] = invalid
    return description
