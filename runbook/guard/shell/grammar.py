"""Text to nodes: by the plain reader where it can, else by shfmt, a full parser of bash's grammar."""

from __future__ import annotations

import functools
import json
import os
import sys
from pathlib import Path

from runbook.errors import MissingPartError
from runbook.guard.shell.nodes import Chain
from runbook.guard.shell.plain import read_plain
from runbook.guard.shell.translate import translate

__all__ = ["LONGEST", "NotShellError", "read_shell"]

LONGEST = 64 * 1024
"""Bytes of text that are read; shfmt needs 18 s for a line of 1 MB."""

_SECONDS = 5.0


class NotShellError(Exception):
    """The text is not a shell program, too long, or too deep to read."""


def read_shell(text: str) -> Chain:
    """Parse a shell text. Raises NotShellError, and MissingPartError where shfmt is not installed."""
    if "\0" in text:
        raise NotShellError("it holds a NUL character")
    try:
        data = text[: LONGEST + 1].encode(errors="surrogateescape")
    except UnicodeEncodeError as error:
        raise NotShellError("it is no text") from error
    if len(data) > LONGEST:
        raise NotShellError(f"it is longer than {LONGEST // 1024} KB")
    plain = read_plain(text)
    return plain if plain is not None else _read_with_shfmt(data)


def _read_with_shfmt(data: bytes) -> Chain:
    import subprocess  # plain lines do without it

    command = [_shfmt(), "--to-json", "-ln", "bash"]
    try:
        run = subprocess.run(command, input=data, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise NotShellError("it takes too long to parse") from error
    except OSError as error:
        raise MissingPartError(f"shfmt can't be started: {error.strerror}", hint="pip install shfmt-py") from error
    if run.returncode != 0:
        message = run.stderr.decode(errors="replace").strip().splitlines()
        raise NotShellError(message[0] if message else "it does not parse")
    try:
        return translate(json.loads(run.stdout))
    except RecursionError as error:
        raise NotShellError("it is nested too deep") from error
    except (KeyError, TypeError, ValueError) as error:
        raise NotShellError(f"its syntax tree is of an unknown shape ({error!r})") from error


@functools.cache
def _shfmt() -> str:
    """Find shfmt: beside the interpreter (a virtual environment), in the scripts directory, or on PATH."""
    name = "shfmt.exe" if os.name == "nt" else "shfmt"
    beside = Path(sys.executable).parent / name
    if beside.is_file():
        return str(beside)
    import shutil
    import sysconfig

    for directory in (sysconfig.get_path("scripts"), sysconfig.get_path("scripts", f"{os.name}_user")):
        if (Path(directory) / name).is_file():
            return str(Path(directory) / name)
    found = shutil.which(name)
    if found is None:
        raise MissingPartError("shfmt is not installed, so no shell line can be read", hint="pip install shfmt-py")
    return found
