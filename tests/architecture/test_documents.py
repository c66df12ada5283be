"""Documents that are made from the code are those that are committed."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from parley_cli import schema

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["event.schema.json", "asyncapi.json"])
def test_the_committed_schema_is_what_the_code_says(name: str) -> None:
    committed = (ROOT / "docs/schema" / name).read_text()
    assert committed == schema.documents()[name], "run: make schema"


def test_the_readme_names_commands_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)", (ROOT / "README.md").read_text()))
    assert named <= targets


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{file.name}: {target}"
        for file in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
        for target in re.findall(r"\]\(([^)#]+)", file.read_text())
        if not target.startswith(("http:", "https:", "mailto:")) and not (file.parent / target).exists()
    ]
    assert broken == []


def test_the_page_of_settings_is_made_from_the_settings() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import configuration, sys; sys.stdout.write(configuration.document())"],
        cwd=ROOT / "tools",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (ROOT / "docs/configuration.md").read_text(), "run: make schema"


def test_the_asyncapi_document_refers_only_to_what_it_has() -> None:
    document = json.loads(schema.documents()["asyncapi.json"])
    broken = []
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', schema.documents()["asyncapi.json"])):
        at = document
        for step in reference.split("/"):
            at = at.get(step, {})
        broken += [] if at else [reference]
    assert document["asyncapi"] == "3.0.0"
    assert broken == []
