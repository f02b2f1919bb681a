"""Put what a command wrote where `--output` says: into a file, or on standard output."""

from __future__ import annotations

import os
from pathlib import Path

import click

from runbook.errors import RunbookError

__all__ = ["put_out"]


def put_out(text: str, output: str | None, what: str) -> None:
    """Write the text to that file, or to standard output if there is none. Raises RunbookError; `what` names the text.

    A name that means standard output, such as /dev/stdout, is that: opening it again would overwrite what the shell's
    own redirection has written so far.
    """
    if output is None or _is_standard_output(output):
        click.echo(text, nl=False)
        return
    from runbook.reports.report_file import write

    try:
        write(Path(output), text)
    except OSError as error:
        raise RunbookError(f"{what} can't be written to {output}: {error.strerror}") from error


def _is_standard_output(file: str) -> bool:
    try:
        return os.path.samestat(os.stat(file), os.fstat(1))  # noqa: PTH116 - a name and a descriptor, alike
    except OSError:
        return False
