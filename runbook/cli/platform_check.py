"""What the command line says on a system without POSIX terminals and locks: what to use instead, for every verb."""

from __future__ import annotations

from collections.abc import Sequence

from runbook import __version__
from runbook.errors import ExitCode, MissingPartError

__all__ = ["answer_elsewhere", "unsupported"]


def unsupported() -> MissingPartError:
    """Return the error that every verb ends with on another system."""
    return MissingPartError(
        "runbook needs Linux or macOS", hint="On Windows, use WSL: https://learn.microsoft.com/windows/wsl/install"
    )


def answer_elsewhere(words: Sequence[str]) -> int:
    """Print the version or the help, without a book. Raises MissingPartError for anything else."""
    from runbook.cli.verbs import DESCRIPTION, verbs

    first = words[0] if words else ""
    if first in {"-V", "--version"}:
        print(f"runbook, version {__version__}")
    elif first in {"-h", "--help"}:
        room = max(map(len, verbs()))
        print(f"Usage: runbook [OPTIONS] COMMAND [ARGS]...\n\n  {DESCRIPTION}\n\nCommands:")
        for verb, summary in verbs().items():
            print(f"  {verb:<{room}}  {summary}")
        error = unsupported()
        print(f"\n{error.message}. {error.hint}")
    else:
        raise unsupported()
    return ExitCode.DONE
