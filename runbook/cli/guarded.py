"""`runbook guard -- COMMAND…`: judge it, ask a person where that is due, then become it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from runbook.errors import ExitCode, UsageError
from runbook.guard.asking import judge_argv
from runbook.guard.shims import find_program
from runbook.guard.telling import as_text
from runbook.model import Effect, TargetKind, Verdict
from runbook.safety.policy import Judgement

__all__ = ["run_guarded"]


def run_guarded(argv: tuple[str, ...], book: str | None) -> int:
    """Judge a command and, if it may run, become it. Returns only where it does not run."""
    program = find_program(argv[0])
    judged = judge_argv(argv, book=book, face="command")
    if judged.verdict is Verdict.REFUSE:
        print(as_text(judged), file=sys.stderr)
        return ExitCode.REFUSED
    if program is None:
        raise UsageError(f"there is no program '{argv[0]}' on PATH", hint="Nothing ran.")
    if judged.verdict is Verdict.CONFIRM:
        print(as_text(judged), file=sys.stderr)
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
    wanted = _word_to_type(judged)
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


def _word_to_type(judged: Judgement) -> str:
    """Return `yes`, or for what destroys the name of what it would hit."""
    if judged.effect is not Effect.DESTROYS:
        return "yes"
    if judged.target is TargetKind.LOCAL:
        return "local"
    return _named_project(judged) or _linked_project() or "production"


def _named_project(judged: Judgement) -> str | None:
    words = judged.commands[0] if judged.commands else ()
    for flag, value in zip(words, (*words[1:], ""), strict=True):
        name, equals, inline = flag.partition("=")
        if name in {"--project-ref", "--remote"} and (inline or (value and not value.startswith("-"))):
            given = inline if equals else value
            return given if given.isalnum() else None
    return None


def _linked_project() -> str | None:
    """Return the project that this directory or one above it is linked to."""
    here = Path.cwd()
    for directory in (here, *here.parents):
        try:
            found = (directory / "supabase/.temp/project-ref").read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            continue
        return found if found.isalnum() else None
    return None
