"""Find the texts in code of other languages that may be command lines, and lists of texts that are their words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from runbook.guard.command_files.contents import Command, Contents, Piece, Task
from runbook.guard.programs.code_strings import CodeString, strings_in, word_list_at
from runbook.linear_regex import linear_regex
from runbook.model.command_files import CommandFile

__all__ = ["read_code"]

_STARTS = re.compile(
    r"system|exec|spawn|popen|subprocess|check_(call|output)|\brun\b|Process|Command|`|\$\(|shell|\bsh\b|%x|qx",
    re.IGNORECASE,
)
"""Signs that code starts programs."""
_SHOWS = re.compile(
    r"(?:\b(?:print|puts|log|warn|warning|error|info|debug|echo|write|describe|it|test|raise|throw|fail|exit|abort|die|help"
    r"|usage|message|msg|title|description|epilog|assert\w*|expect|equal|includes?|starts_?with)|Error|Exception)\s*[(=:\s]*[bfr]?$",
    re.IGNORECASE,
)
"""Signs that code only shows a text, or compares it."""


def read_code(text: str, kind: CommandFile, programs: Iterable[str]) -> Contents:
    """Return the texts in code that may be commands: those that name one of the programs, if the code starts any.

    They are in the task that begins before them, or in none. In a task's name, a hyphen may stand for an underscore.
    """
    names = re.compile("|".join(sorted(map(re.escape, programs))) or r"(?!)")
    begins = list(_beginnings(text, kind.begins)) if kind.begins else []
    tasks: dict[str, list[Command]] = {"": [], **{name: [] for _, name in begins}}
    if names.search(text) and _STARTS.search(text):
        for command in _commands(strings_in(text, kind.comments), names):
            before = [name for start, name in begins if start < command.pieces[0].start]
            tasks[before[-1] if before else ""].append(command)
    aliases = {name.replace("_", "-"): name for _, name in begins}
    return Contents({name: Task(name, tuple(some)) for name, some in tasks.items()}, aliases=aliases)


def _beginnings(text: str, pattern: str) -> Iterator[tuple[int, str]]:
    """Yield where tasks begin, and their names."""
    at = 0
    for found in linear_regex(pattern, lines=True).find_all(text):
        at = text.index(found.whole, at)
        yield at, found.group or ""
        at += len(found.whole)


def _commands(strings: Sequence[CodeString], names: re.Pattern[str]) -> Iterator[Command]:
    for number, string in enumerate(strings):
        if _SHOWS.search(string.before):
            continue
        if " " in string.value and names.search(string.value):
            yield Command(string.value, (Piece(0, string.start, string.end, has_escapes=True),), is_guess=True)
        words = word_list_at(strings, number)
        piece = (Piece(0, string.start, strings[min(number + len(words), len(strings)) - 1].end, has_escapes=True),)
        # Words of a list are a command only if the first one is a program.
        if len(words) > 1 and " " not in words[0] and any(map(names.search, words)):
            yield Command(" ".join(words), piece, words=words, is_guess=True)
