"""Open the operator's editor on a file."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping

from runbook.errors import MissingPartError

__all__ = ["editor_command", "open_editor"]

_FALLBACKS = ("vi", "nano", "ed")


def editor_command(environ: Mapping[str, str]) -> list[str]:
    """Return the argv of the editor: `$VISUAL`, `$EDITOR`, or the first usual one. Raises MissingPartError."""
    for name in ("VISUAL", "EDITOR"):
        try:
            words = shlex.split(environ.get(name, ""))
        except ValueError:
            continue
        if words:
            return words
    found = next((one for one in _FALLBACKS if shutil.which(one)), None)
    if found is None:
        raise MissingPartError("there is no editor on PATH", hint="Name one: export EDITOR=nano")
    return [found]


def open_editor(path: str, environ: Mapping[str, str] | None = None) -> str:
    """Run the editor on this terminal until it ends; return what went wrong, "" if nothing did."""
    argv = [*editor_command(os.environ if environ is None else environ), path]
    # Ctrl-C belongs to the editor. A handler is dropped at exec, an ignored signal would not be.
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        code = subprocess.run(argv, check=False).returncode
    except OSError as error:
        return f"{argv[0]} could not be started: {error.strerror}"
    finally:
        signal.signal(signal.SIGINT, before)
    return f"{argv[0]} ended with exit code {code}" if code else ""
