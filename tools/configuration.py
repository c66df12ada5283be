"""Write docs/configuration.md from the settings' own fields and docstrings."""

import ast
import inspect
from pathlib import Path

import chassis.settings
import comments.settings
import fanout.settings
import notifier.settings
import presence.settings

OUTPUT = Path(__file__).resolve().parent.parent / "docs/configuration.md"
HEAD = """# Configuration

Settings are environment variables, read once at start. An invalid one ends the start with a line that names
it. `parley up` makes what it needs where nothing is set. This page is made from the code: `make schema`.
"""
PARTS = (
    ("Every service", chassis.settings),
    ("comments", comments.settings),
    ("fanout", fanout.settings),
    ("presence", presence.settings),
    ("notifier", notifier.settings),
)
TELEMETRY = """
## Traces and metrics

`/metrics` has Prometheus text. Traces, and metrics by push, start when the standard variable
`OTEL_EXPORTER_OTLP_ENDPOINT`, or that of one signal, is set; sampling follows `OTEL_TRACES_SAMPLER`.
"""


def document() -> str:
    return "".join([HEAD, *(_part(title, module) for title, module in PARTS), TELEMETRY])


def _part(title: str, module: object) -> str:
    settings = module.Settings  # type: ignore[attr-defined]
    own = {name: field for name, field in settings.model_fields.items() if name in settings.__annotations__}
    said = _docstrings(settings)
    rows = [
        f"| `PARLEY_{name.upper()}` | {_default(field.default)} | {said.get(name, '')} |"
        for name, field in own.items()
    ]
    return "\n".join([f"\n## {title}\n", "| variable | default | meaning |", "|---|---|---|", *rows, ""])


def _default(value: object) -> str:
    return "" if value is None or value == "" else f"`{value}`"


def _docstrings(settings: type) -> dict[str, str]:
    body = ast.parse(inspect.getsource(settings)).body[0]
    assert isinstance(body, ast.ClassDef)
    said = {}
    for field, note in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(note, ast.Expr)
            and isinstance(note.value, ast.Constant)
        ):
            assert isinstance(field.target, ast.Name)
            said[field.target.id] = " ".join(str(note.value.value).split())
    return said


if __name__ == "__main__":
    OUTPUT.write_text(document())
