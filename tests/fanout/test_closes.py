"""What `docs/protocol.md` promises about closing and limits is what the code does."""

import re
from pathlib import Path

import pytest

from fanout.closes import Close
from fanout.settings import Settings

DOCUMENT = (Path(__file__).parents[2] / "docs/protocol.md").read_text()
CODES = re.findall(r"^\| (\d{4}) \| (.+?) \| (yes|no) \|$", DOCUMENT, re.MULTILINE)
LIMITS = re.findall(r"^\| .+? \| ([\d,.]+) \| `PARLEY_(\w+)` \|$", DOCUMENT, re.MULTILINE)


def test_the_table_of_close_codes_is_the_codes() -> None:
    codes = [(str(code.value), code.meaning, "yes" if code.reconnect else "no") for code in Close]
    assert codes == CODES


@pytest.mark.parametrize("code", Close)
def test_a_close_code_and_its_meaning_fit_a_close_frame(code: Close) -> None:
    assert 4000 <= code <= 4999
    assert len(code.meaning.encode()) <= 123


def test_the_table_of_limits_is_the_settings() -> None:
    assert len(LIMITS) == 26
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    for value, name in LIMITS:
        assert defaults[name.lower()] == float(value.replace(",", ""))
