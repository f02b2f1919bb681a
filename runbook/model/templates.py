"""Templates as written: which `{{name}}` they contain, what is wrong with them, and how a command is split."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

__all__ = ["PLACEHOLDER", "WHOLE", "Flaw", "command_flaws", "command_words", "names_in", "template_flaws"]

PLACEHOLDER = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")
"""A placeholder for one value. Only a name may be between the braces."""

_BRACES = re.compile(r"\{\{[^{}]*\}\}|\{\{|\}\}")
_QUOTED = re.compile(r"""'[^']*'|"(?:[^"\\]|\\.)*"|\\.""", re.DOTALL)
_SHELL = re.compile(r"[|;&<>$`()*?{}\[\]\n]|(?<![^\s=:])~")
_IN_DOUBLE_QUOTES = re.compile(r"(?<!\\)[$`]")
_QUOTING = frozenset("'\"\\")
_WORD = re.compile(r"[^ \t\r\n]+")
_PROGRAM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")


COMMAND_LIMIT = 8000
"""The most characters of a command. Anything longer belongs in a script that the command runs."""

WHOLE = -1
"""The offset of a flaw that concerns the whole text, not one of its characters."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a text, and where."""

    message: str
    offset: int
    width: int = 1


def names_in(text: str) -> tuple[str, ...]:
    """Return the names of all placeholders, in order and with repeats."""
    return tuple(PLACEHOLDER.findall(text))


def template_flaws(text: str) -> list[Flaw]:
    """Find the first braces that are not a plain `{{name}}`."""
    for match in _BRACES.finditer(text):
        if not PLACEHOLDER.fullmatch(match[0]):
            shown = match[0].split("\n")[0][:60]
            return [Flaw(f"{shown} is not a plain {{{{name}}}}", match.start(), len(match[0]))]
    return []


def command_flaws(text: str) -> list[Flaw]:
    """Find what a shell would interpret, and what prevents splitting the command into words."""
    if len(text) > COMMAND_LIMIT:
        return [Flaw(f"the command has more than {COMMAND_LIMIT} characters", WHOLE)]
    flaws = template_flaws(text)
    if flaws:
        return flaws
    bare = PLACEHOLDER.sub(_blank, _QUOTED.sub(_blank, text)).rstrip("\n")
    flaws = [_shell_flaw(match[0], match.start()) for match in _SHELL.finditer(bare)]
    flaws += [
        _shell_flaw(inner[0], quoted.start() + inner.start())
        for quoted in _QUOTED.finditer(text)
        if quoted[0].startswith('"')
        for inner in _IN_DOUBLE_QUOTES.finditer(PLACEHOLDER.sub(_blank, quoted[0]))
    ]
    return flaws[:1] or _word_flaws(text)


def _shell_flaw(construct: str, offset: int) -> Flaw:
    shown = "a line break" if construct == "\n" else construct
    return Flaw(f"commands don't go through a shell: {shown} is passed on as it is; quote it if you mean it", offset)


def _word_flaws(text: str) -> list[Flaw]:
    try:
        words = command_words(text)
    except ValueError:
        return [Flaw("a quote in this command isn't closed", WHOLE, len(text))]
    if not words or not words[0]:
        return [Flaw("there is no command here", WHOLE)]
    if "=" in words[0]:
        return [Flaw("commands don't go through a shell: you can't set a variable before one", 0, len(words[0]))]
    if not _PROGRAM.fullmatch(words[0]):
        return [Flaw(f"'{words[0]}' isn't a program's name; the program of a command must be fixed", 0, len(words[0]))]
    return [
        Flaw("{{target}} must be a word of its own: it stands for several", max(0, text.find(word)), len(word))
        for word in words
        if "{{target}}" in word and word != "{{target}}"
    ]


def command_words(text: str) -> tuple[str, ...]:
    """Split a command into words as a shell would. Raises ValueError if a quote isn't closed."""
    if _QUOTING.isdisjoint(text):
        return tuple(_WORD.findall(text))  # same result; saves a tenth of the time it takes to read a book
    return tuple(shlex.split(text))


def _blank(match: re.Match[str]) -> str:
    return "_" * len(match[0])
