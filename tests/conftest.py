"""Set up the process that runs the tests."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Let signals end programs as they do at a terminal. A background job of a shell would inherit ignored ones."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
