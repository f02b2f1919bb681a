"""Find out of which kind a file is, and read the commands in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from runbook.guard.command_files.contents import Command, Contents, Piece, Reader, Task
from runbook.model.command_files import CommandFile

__all__ = ["KindTable", "read_commands", "shebang_of"]


def read_commands(
    text: str,
    kind: CommandFile,
    *,
    read: Reader = lambda _name: None,
    given: Mapping[str, str] | None = None,
    programs: Iterable[str] = (),
) -> Contents:
    """Return the commands of a file's text. Raises NotReadableError.

    `read` reads the files that it includes, `given` are values from the command line. In code, only texts that name one
    of the `programs` are commands.
    """
    if kind.format in {"yaml", "json", "toml"}:
        from runbook.guard.command_files.paths import tasks_of
        from runbook.guard.command_files.trees import read_tree

        return tasks_of(read_tree(text, kind.format), kind, given or {})
    return _READERS[kind.format](text, kind, _Beside(read, given or {}, programs))


class _Beside(NamedTuple):
    """What readers may use beside the text."""

    read: Reader
    given: Mapping[str, str]
    programs: Iterable[str]


# Each reader is loaded when a file of its kind is read: a line runs one task runner, if any.


def _make(text: str, _kind: CommandFile, beside: _Beside) -> Contents:
    from runbook.guard.command_files.makefile import read_makefile

    return read_makefile(text, beside.read, beside.given)


def _just(text: str, _kind: CommandFile, beside: _Beside) -> Contents:
    from runbook.guard.command_files.justfile import read_justfile

    return read_justfile(text, beside.read, beside.given)


def _dockerfile(text: str, _kind: CommandFile, _beside: _Beside) -> Contents:
    from runbook.guard.command_files.dockerfile import read_dockerfile

    return read_dockerfile(text)


def _code(text: str, kind: CommandFile, beside: _Beside) -> Contents:
    from runbook.guard.command_files.code import read_code

    return read_code(text, kind, beside.programs)


def _lines(text: str, kind: CommandFile, _beside: _Beside) -> Contents:
    from runbook.guard.command_files.line_files import read_lines

    return read_lines(text, kind)


def _procfile(text: str, _kind: CommandFile, _beside: _Beside) -> Contents:
    from runbook.guard.command_files.line_files import read_procfile

    return read_procfile(text)


def _script(text: str, _kind: CommandFile, _beside: _Beside) -> Contents:
    return Contents({"": Task("", (Command(text, (Piece(0, 0, len(text)),)),))})


_READERS: Mapping[str, Callable[[str, CommandFile, _Beside], Contents]] = {
    "make": _make,
    "just": _just,
    "dockerfile": _dockerfile,
    "procfile": _procfile,
    "lines": _lines,
    "shell": _script,
    "code": _code,
}


class KindTable:
    """The kinds of files, by the ends of their paths and by the programs in their first lines."""

    def __init__(self, kinds: Sequence[CommandFile]) -> None:
        self._kinds = [(re.compile("|".join(map(_pattern, kind.names)), re.IGNORECASE), kind) for kind in kinds]
        self._programs = {program: kind for kind in kinds for program in kind.shebangs}

    def by_path(self, path: str) -> CommandFile | None:
        """Return the first kind whose names fit an absolute path with `/`."""
        return next((kind for pattern, kind in self._kinds if pattern.search(path)), None)

    def by_shebang(self, start: bytes) -> CommandFile | None:
        """Return the kind of a file that begins like this, if it names a program in its first line."""
        program = shebang_of(start)
        return self._programs.get(re.sub(r"[\d.]+$", "", program)) if program else None


_SHEBANG = re.compile(rb"#!\s*(?:\S*/env\s+(?:-S\s+)?)?(?:\S*/)?([\w.+-]+)")


def shebang_of(start: bytes) -> str:
    """Return the program in the first line of a script, "" if there is none."""
    found = _SHEBANG.match(start)
    return found[1].decode("ascii", "replace") if found else ""


def _pattern(name: str) -> str:
    """Return the regular expression for the end of a path."""
    parts = {"**/": r"(?:[^/]+/)*", "*": r"[^/]*"}
    return r"(?:^|/)" + "".join(parts.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*)", name)) + "$"
