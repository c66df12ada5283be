"""Fixtures that tests of every part use."""

from typing import Any

import pytest

pytest_plugins = ["servers"]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Async tests run on the loop that the services run on."""
    return "asyncio", {"use_uvloop": True}
