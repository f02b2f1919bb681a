"""Set up the process that runs the tests."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import settings

from runbook import known_secrets

RANDOM = int(os.environ.get("RANDOM_EXAMPLES", "0"))
"""How many random examples each property gets. By default the examples are the same in every run."""
settings.register_profile("same", derandomize=True)
settings.register_profile("random", max_examples=max(1, RANDOM), print_blob=True)
settings.load_profile("random" if RANDOM else "same")


def pytest_configure() -> None:
    """Let signals end programs as they do at a terminal. A background job of a shell would inherit ignored ones."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


_LONGEST = ("test_extras.py", "test_site_access.py")
"""Files that take minutes. As one of the last, one would run while the other processes have nothing left to do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""
    items.sort(key=lambda item: item.path.name not in _LONGEST)


@pytest.fixture(autouse=True)
def _forget_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide a secret that a test gives to this process in the output of that test alone."""
    monkeypatch.setattr(known_secrets, "_known", set())
