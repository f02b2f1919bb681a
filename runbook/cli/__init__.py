"""The command `runbook`: one module per verb, imported only when that verb is used."""

from __future__ import annotations

from collections.abc import Sequence

from runbook.cli.endings import ending
from runbook.errors import ExitCode

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (default: the process's own) and return its exit code. Never raises, never exits."""
    with ending() as result:
        from runbook.cli.group import runbook  # click is imported after the error net is up

        code = runbook.main(args=None if argv is None else list(argv), prog_name="runbook", standalone_mode=False)
        result.code = code if isinstance(code, int) else ExitCode.DONE
    return int(result.code)
