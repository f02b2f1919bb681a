"""`runbook guard -- COMMAND…`: judge it, ask a person where that is due, then become it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from runbook.errors import ExitCode, UsageError
from runbook.guard.asking import current_directory, judge_argv
from runbook.guard.shims import find_program
from runbook.guard.targets import name_of_target
from runbook.guard.telling import as_text
from runbook.model import Effect, Verdict
from runbook.policy.judgement import Judgement

__all__ = ["run_guarded"]


def run_guarded(argv: tuple[str, ...], book: str | None) -> int:
    """Judge a command and, if it may run, become it. Returns only where it does not run."""
    program = find_program(argv[0])
    judged = judge_argv(argv, book=book, face="command")
    if judged.verdict is Verdict.REFUSE:
        print(as_text(judged, current_directory()), file=sys.stderr)
        return ExitCode.REFUSED
    if program is None:
        raise UsageError(f"there is no program '{argv[0]}' on PATH", hint="Nothing ran.")
    if judged.verdict is Verdict.CONFIRM:
        print(as_text(judged, current_directory()), file=sys.stderr)
        if not _is_confirmed(judged):
            return ExitCode.NEEDS_PERSON
    return _become(program, argv)


def _become(program: str, argv: tuple[str, ...]) -> NoReturn:
    # Python ignores these; the command must not inherit that.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execv(program, argv)  # noqa: S606 - no shell: that is the point
    except OSError as error:
        raise UsageError(f"'{program}' can't be started: {error.strerror}", hint="Nothing ran.") from error


def _is_confirmed(judged: Judgement) -> bool:
    """Ask at the terminal itself, never at standard input: `yes |` is nobody."""
    # What destroys is named by the person; a habit of typing yes is not enough.
    wanted = name_of_target(judged, current_directory()) if judged.effect is Effect.DESTROYS else "yes"
    try:
        with Path("/dev/tty").open("r+b", buffering=0) as terminal:
            terminal.write(f"  Type {wanted} to run it, anything else to stop: ".encode())
            typed = terminal.readline().decode(errors="replace").strip()
    except OSError:
        print("  There is no terminal to ask at, so it did not run.", file=sys.stderr)
        return False
    if typed != wanted:
        print("  It did not run.", file=sys.stderr)
    return typed == wanted
