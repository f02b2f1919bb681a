"""Programs that run without a terminal of their own: one that answers a question, and the operator's editor."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from runbook.errors import MissingPartError
from runbook.runtime.environment import editor_environment, safe_path
from runbook.runtime.terminal_modes import reset_modes

__all__ = ["Answer", "ask", "editor_command", "open_editor"]


class Answer(NamedTuple):
    """What a command printed. `code` is 127 if the program isn't there, 124 if it took too long."""

    code: int
    stdout: str
    stderr: str


def ask(argv: Sequence[str], *, directory: str, environment: Mapping[str, str], timeout: float = 60) -> Answer:
    """Run argv with closed input and return what it printed. Never raises because of what the command does."""
    # `subprocess` would use this process's PATH, not the one that the command gets.
    program = shutil.which(argv[0], path=environment.get("PATH"))
    if program is None:
        return Answer(127, "", f"{argv[0]} isn't on PATH")
    try:
        done = subprocess.run(
            [program, *argv[1:]],
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(124, "", f"no answer within {timeout:g} s")
    except OSError as error:
        return Answer(126, "", f"{argv[0]} couldn't be started: {error.strerror}")
    return Answer(done.returncode, done.stdout, done.stderr)


def editor_command(environ: Mapping[str, str]) -> list[str]:
    """Return the argv of the editor: `$VISUAL`, `$EDITOR`, or the first usual one. Raises MissingPartError."""
    for name in ("VISUAL", "EDITOR"):
        try:
            words = shlex.split(environ.get(name, ""))
        except ValueError:  # a quote isn't closed
            continue
        if words:
            return words
    path = safe_path(environ.get("PATH", ""))
    found = next((one for one in ("vi", "nano", "ed") if shutil.which(one, path=path)), None)
    if found is None:
        raise MissingPartError("there is no editor on PATH", hint="Name one: export EDITOR=nano")
    return [found]


def open_editor(path: str) -> str:
    """Run the editor on this terminal until it ends; return what went wrong, "" if nothing did."""
    argv = [*editor_command(os.environ), path]
    environment = editor_environment(os.environ)
    program = shutil.which(argv[0], path=environment["PATH"])
    if program is None:
        return f"{argv[0]} couldn't be started: it isn't on PATH"
    # Ctrl-C belongs to the editor. Exec drops a handler, but wouldn't drop an ignored signal.
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        code = subprocess.run([program, *argv[1:]], env=environment, check=False).returncode
    except OSError as error:
        return f"{argv[0]} couldn't be started: {error.strerror}"
    finally:
        signal.signal(signal.SIGINT, before)
        reset_modes(sys.stdout)
    return f"{argv[0]} exited with {code}" if code else ""
