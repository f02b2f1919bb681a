"""Read files whose lines are commands: Procfiles, and scripts of other shells."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runbook.guard.command_files.contents import Command, Contents, Piece, Task
from runbook.model.command_files import CommandFile

__all__ = ["read_lines", "read_procfile"]

_PROCESS = re.compile(r"^([\w.-]+):[ \t]*(.+)$", re.MULTILINE)


def read_procfile(text: str) -> Contents:
    """Return the processes of a Procfile."""
    found = list(_PROCESS.finditer(text))
    return Contents(
        {each[1]: Task(each[1], (Command(each[2], (Piece(0, each.start(2), each.end(2)),)),)) for each in found}
    )


def read_lines(text: str, kind: CommandFile) -> Contents:
    """Return each line of a script in another shell's language. Most of them look the same in every shell."""
    return Contents({"": Task("", tuple(_lines(text, kind)))})


def _lines(text: str, kind: CommandFile) -> Iterator[Command]:
    at = 0
    for line in text.split("\n"):
        start, at = at, at + len(line) + 1
        bare = line.strip()
        while before := next((each for each in kind.prefixes if bare.lower().startswith(each)), ""):
            bare = bare[len(before) :].lstrip()
        if bare and not bare.lower().startswith(kind.comments):
            start += line.rindex(bare)
            yield Command(bare, (Piece(0, start, start + len(bare)),), is_guess=True)
