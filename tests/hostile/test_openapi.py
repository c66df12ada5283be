"""Requests made from a service's own OpenAPI description, fitting it or not: it answers as it describes."""

import time
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from processes import SECRET, Cluster
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chassis.auth import sign

EXAMPLES = 5
"""Requests of each kind to each operation: more than three hundred in all."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

VERBS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PURGE")
PATHS = ("/healthz", "/readyz", "/metrics", "/openapi.json", "/", "/v1/ws", "/%00", "/healthz/..%2f")


@pytest.fixture(params=[True, False], ids=["with a token", "without a token"])
def headers(request: pytest.FixtureRequest) -> dict[str, str]:
    token = sign(SECRET, "u1", rooms={"*": "m"})
    return {"Authorization": f"Bearer {token}"} if request.param else {}


def operations(url: str) -> list[APIOperation[Any, Any, Any, Any]]:
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    return [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]


def explore(
    operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, headers: dict[str, str]
) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    def call(case: Case[Any]) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    call()


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_comments_answers_as_it_describes(
    services: Cluster, mode: GenerationMode, headers: dict[str, str]
) -> None:
    found = operations(services.comments[0].url)
    assert len(found) > 10
    for operation in found:
        explore(operation, mode, headers)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_presence_answers_as_it_describes(
    services: Cluster, mode: GenerationMode, headers: dict[str, str]
) -> None:
    presence = services.presences[0].url
    ada = {"Authorization": f"Bearer {sign(SECRET, 'ada', rooms={'*': 'r'})}"}
    while httpx.get(f"{presence}/v1/rooms/lobby/presence", headers=ada).status_code == 503:
        time.sleep(0.2)  # it says nothing for a heartbeat after its start
    for operation in operations(presence):
        explore(operation, mode, headers)


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("rooms", [None, {"elsewhere": "r"}], ids=["without a token", "without a right"])
def test_fanout_answers_as_it_describes(
    services: Cluster, mode: GenerationMode, rooms: dict[str, str] | None
) -> None:
    """Nobody may read: a stream that is granted never ends."""
    headers = {"Authorization": f"Bearer {sign(SECRET, 'u1', rooms=rooms)}"} if rooms else {}
    for operation in operations(services.fanouts[0].url):
        explore(operation, mode, headers)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_notifier_answers_as_it_describes(
    services: Cluster, mode: GenerationMode, headers: dict[str, str]
) -> None:
    notifier = services.notifiers[0].url
    for operation in operations(notifier):
        explore(operation, mode, headers)
    statuses = {httpx.request(verb, notifier + path).status_code for verb in VERBS for path in PATHS}
    assert statuses == {200, 404, 405}
