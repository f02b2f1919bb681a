"""What the guard's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.guards import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a scratch home."""
    return Home(tmp_path)
