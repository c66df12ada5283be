"""What the code promises about itself: who imports whom, who reads the environment, what is pure."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [
    *ROOT.glob("services/*/src"),
    *ROOT.glob("libs/*/src"),
    ROOT / "cli/src",
    ROOT / "clients/python/src",
]
FILES = sorted(file for source in SOURCES for file in source.rglob("*.py"))

PURE = [
    "services/comments/src/comments/acknowledgements.py",
    "services/comments/src/comments/commands.py",
    "services/comments/src/comments/differences.py",
    "services/comments/src/comments/drafts.py",
    "services/comments/src/comments/findings.py",
    "services/comments/src/comments/folds.py",
    "services/comments/src/comments/lanes.py",
    "services/comments/src/comments/mentions.py",
    "services/comments/src/comments/model.py",
    "services/comments/src/comments/paces.py",
    "services/comments/src/comments/spans.py",
    "services/comments/src/comments/views.py",
    "services/comments/src/comments/watermarks.py",
    "services/fanout/src/fanout/closes.py",
    "services/fanout/src/fanout/follows.py",
    "services/fanout/src/fanout/frames.py",
    "services/fanout/src/fanout/lanes.py",
    "services/fanout/src/fanout/members.py",
    "services/fanout/src/fanout/native.py",
    "services/fanout/src/fanout/people.py",
    "services/fanout/src/fanout/receiving.py",
    "services/fanout/src/fanout/requests.py",
    "services/fanout/src/fanout/room.py",
    "services/fanout/src/fanout/upgrade.py",
    "services/fanout/src/fanout/watchers.py",
    "services/fanout/src/fanout/watermarks.py",
    "services/notifier/src/notifier/acknowledgements.py",
    "services/notifier/src/notifier/apns_answers.py",
    "services/notifier/src/notifier/apns_payload.py",
    "services/notifier/src/notifier/changes.py",
    "services/notifier/src/notifier/endpoints.py",
    "services/notifier/src/notifier/excerpts.py",
    "services/notifier/src/notifier/fates.py",
    "services/notifier/src/notifier/fcm_answers.py",
    "services/notifier/src/notifier/fcm_messages.py",
    "services/notifier/src/notifier/fields.py",
    "services/notifier/src/notifier/ids.py",
    "services/notifier/src/notifier/model.py",
    "services/notifier/src/notifier/outbox_rows.py",
    "services/notifier/src/notifier/pauses.py",
    "services/notifier/src/notifier/projection.py",
    "services/notifier/src/notifier/quiet.py",
    "services/notifier/src/notifier/registrations.py",
    "services/notifier/src/notifier/rules.py",
    "services/notifier/src/notifier/sender.py",
    "services/notifier/src/notifier/views.py",
    "services/notifier/src/notifier/webpush_answers.py",
    "services/notifier/src/notifier/webpush_messages.py",
    "services/notifier/src/notifier/wording.py",
    "services/notifier/src/notifier/words.py",
    "services/presence/src/presence/agenda.py",
    "services/presence/src/presence/connections.py",
    "services/presence/src/presence/crowd.py",
    "services/presence/src/presence/rooms.py",
    "services/presence/src/presence/rules.py",
    "services/presence/src/presence/sightings.py",
    "services/presence/src/presence/transitions.py",
    "services/presence/src/presence/views.py",
    "libs/chassis/src/chassis/identity.py",
    "libs/chassis/src/chassis/limits.py",
    "libs/events/src/events/following.py",
    "libs/events/src/events/record.py",
    "libs/events/src/events/replay.py",
    "libs/events/src/events/schema.py",
    "libs/events/src/events/subjects.py",
    "clients/python/src/parley/backoff.py",
    "clients/python/src/parley/cursor.py",
    "clients/python/src/parley/protocol.py",
]
OUTSIDE = {
    "asyncio", "asyncpg", "fastapi", "httpx", "nats", "os", "random", "socket", "ssl", "starlette",
    "subprocess", "threading", "time", "uvicorn", "uvloop", "websockets",
}  # fmt: skip
"""A pure module touches none of these; what it needs of them is an argument."""


def test_services_import_events_chassis_and_themselves_only() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", PURE)
def test_a_pure_module_imports_no_io(file: str) -> None:
    found = {name.partition(".")[0] for name in imported(ROOT / file)}
    assert not found & OUTSIDE


def test_only_a_main_reads_the_environment() -> None:
    readers = [file for file in FILES if re.search(r"os\.(environ|getenv)\b", file.read_text())]
    assert {file.name for file in readers} <= {"__main__.py"}, readers


def test_settings_are_made_where_a_process_begins() -> None:
    makers = [file for file in FILES if re.search(r"\b[Ss]ettings\(\)", code(file))]
    assert {file.name for file in makers} == {"launching.py", "system.py", "up.py"}, makers


def test_no_subject_is_spelled_outside_its_file() -> None:
    spelled = re.compile(
        r"""["'](events|live\.events|signals|receipts|watermarks|\$KV|comments\.(replay|wake|unread|receipts|changed))\."""
    )
    assert [file for file in FILES if spelled.search(code(file)) and file.name != "subjects.py"] == []


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def code(file: Path) -> str:
    """The file without its docstrings and comments."""
    return ast.unparse(_Bare().visit(ast.parse(file.read_text())))


class _Bare(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        return None if isinstance(node.value, ast.Constant) else node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if hasattr(node, "body") and not node.body:
            node.body = [ast.Pass()]
        return node
