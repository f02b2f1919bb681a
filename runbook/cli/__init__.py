"""The command `runbook`: one module per verb, imported only when that verb is used."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress

from runbook.cli.error_handler import ending
from runbook.cli.platform_check import answer_elsewhere
from runbook.errors import ExitCode, RunbookError
from runbook.extras import answer_early
from runbook.posix import is_supported
from runbook.streams import printable_streams
from runbook.user_directories import state_directory

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (default: the process's own) and return its exit code. Never raises or exits."""
    words = [*(sys.argv[1:] if argv is None else argv)]  # the module `list` of this package hides the built-in
    with printable_streams(), ending() as result:
        if not is_supported():
            result.code = answer_elsewhere(words)
            return int(result.code)
        _sweep_secrets()
        early = answer_early(words)
        if early is not None:
            result.code = early
            return int(early)
        from runbook.cli.group import runbook  # click is imported after the error net is up

        code = runbook.main(args=words, prog_name="runbook", standalone_mode=False)
        result.code = code if isinstance(code, int) else ExitCode.DONE
    return int(result.code)


def _sweep_secrets() -> None:
    """Remove the secret files that a killed run left behind."""
    from runbook.secret_file import sweep  # it needs fcntl, and Windows has none

    with suppress(RunbookError):  # without a home there is nothing to sweep
        sweep(str(state_directory()))
