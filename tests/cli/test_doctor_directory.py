"""`parley doctor` looks at who else can look into the data directory."""

from pathlib import Path

import pytest
from running import parley


@pytest.mark.parametrize(("mode", "well"), [(0o700, True), (0o710, True), (0o750, False), (0o701, False)])
def test_others_may_pass_through_for_their_own_part_and_not_look_inside(
    tmp_path: Path, mode: int, well: bool
) -> None:
    directory = tmp_path / "data"
    directory.mkdir()
    directory.chmod(mode)
    _, output = parley("doctor", "--data-dir", str(directory), "--url", "http://127.0.0.1:1")
    found = " ".join(output.split())
    assert f"data directory: {directory}" in found
    assert ("others can look inside: chmod 700 it" in found) is not well
