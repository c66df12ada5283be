"""The OpenAPI description says everything that a caller needs to know."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

Document = dict[str, Any]
METHODS = ("get", "put", "post", "patch", "delete")


@pytest.fixture
async def document(api: httpx.AsyncClient) -> Document:
    found: Document = (await api.get("/openapi.json")).json()
    return found


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method} {path}", item[method]


def resolve(document: Document, node: Any) -> Any:
    while isinstance(node, Mapping) and "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def walk(document: Document, node: Any, seen: frozenset[int] = frozenset()) -> Iterator[Mapping[str, Any]]:
    """Every object below, also through references."""
    node = resolve(document, node)
    if id(node) in seen:
        return
    if isinstance(node, Mapping):
        yield node
    children = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    for child in children:
        yield from walk(document, child, seen | {id(node)})


async def test_every_route_has_a_summary_and_an_example(document: Document) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        good = {status: each for status, each in operation["responses"].items() if status < "300"}
        shown = [operation.get("parameters", []), operation.get("requestBody", {}), good]
        assert any(each.get("examples") for each in walk(document, shown)), name


async def test_every_route_has_its_error_answers(document: Document) -> None:
    for name, operation in operations(document):
        expected = {"401", "403", "422", "429", "503"}
        if "requestBody" in operation:
            expected |= {"400", "413"}
        if name.split()[0] in ("patch", "delete") and "{comment}" in name:
            expected.add("404")
        assert expected <= operation["responses"].keys(), name
        for status in expected:
            [(kind, answer)] = operation["responses"][status]["content"].items()
            assert kind == "application/problem+json"
            assert answer["examples"], (name, status)


BESIDE = {
    "post /v1/rooms/{room}/comments": {"200", "201", "409"},
    "patch /v1/comments/{comment}": {"200", "410"},
    "post /v1/rooms/{room}/members": {"200", "201"},
    "post /api/comments": {"200", "201", "409", "415"},
    "patch /api/comments/{comment}": {"410", "415"},
    "delete /v1/comments/{comment}": {"204"},
}


async def test_what_a_route_answers_beside_is_described(document: Document) -> None:
    described = dict(operations(document))
    for name, status in BESIDE.items():
        assert status <= described[name]["responses"].keys(), name


async def test_the_plans_route_takes_three_media_types(document: Document) -> None:
    body = dict(operations(document))["post /api/comments"]["requestBody"]
    assert set(body["content"]) == {
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    }


async def test_it_is_openapi_3_1(document: Document) -> None:
    assert document["openapi"].startswith("3.1.")
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names))
    for name, operation in operations(document):
        declared = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
        assert declared == {part[1:-1] for part in name.split("/") if part.startswith("{")}, name
        assert operation["security"] == [{"bearer": []}], name
    assert "bearer" in document["components"]["securitySchemes"]


async def test_every_reference_leads_somewhere(document: Document) -> None:
    assert sum(1 for _ in walk(document, document["paths"])) > 100


async def test_examples_fit_their_schemas(document: Document) -> None:
    checked = 0
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
        for example in schema.get("examples", []):
            Draft202012Validator({**schema, "components": document["components"]}).validate(example)
            checked += 1
    assert checked >= 9
