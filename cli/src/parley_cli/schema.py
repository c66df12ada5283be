"""`parley schema`: the documents under `docs/schema`, made from the code."""

import json
from pathlib import Path

from events import asyncapi


def documents() -> dict[str, str]:
    """By file name: JSON Schema of the events, and AsyncAPI of the subjects."""
    return {
        "event.schema.json": _text(asyncapi.json_schema()),
        "asyncapi.json": _text(asyncapi.asyncapi()),
    }


def write(directory: Path) -> list[Path]:
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in documents().items():
        (directory / name).write_text(text)
        written.append(directory / name)
    return written


def _text(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
