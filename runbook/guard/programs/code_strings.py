"""Read code of any language roughly: its string constants, and those that form one list. Pure.

Only what a string contains can become a command, so comments and documentation don't count. What a string takes from a
variable is unknown text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from runbook.guard.shell.texts import ANY, ANY_WORDS

__all__ = ["CodeString", "strings_in", "word_list_at", "word_lists_in"]


class CodeString(NamedTuple):
    """A string constant, the code between the one before it and this one, and its place, without quotes."""

    value: str
    before: str
    start: int = 0
    end: int = 0


_STRING = (
    r'"""(?P<triple>.*?)"""|\'\'\'(?P<single_triple>.*?)\'\'\''
    r'|"(?P<double>(?:\\.|[^"\\\n])*)"|\'(?P<single>(?:\\.|[^\'\\\n])*)\'|`(?P<back>(?:\\.|[^`\\])*)`'
    r"|(?:%x|\bqx)\s*[({\[<|/!](?P<quoted>[^)}\]>|/!\n]*)[)}\]>|/!]"
)
_FILLED = re.compile(r"\$\{[^{}]*\}|#\{[^{}]*\}|(?<!\{)\{[A-Za-z_][^{}]*\}")
"""What templates take from variables: `${x}`, `#{x}`, `{x}`."""
_ESCAPE = re.compile(r"\\(\n|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}


def strings_in(code: str, comments: Sequence[str]) -> Iterator[CodeString]:
    """Yield the string constants of a text, without those in comments and without a language's documentation."""
    before, depth = "", 0
    at = 0
    for match in _pattern(tuple(comments)).finditer(code):
        between = code[at : match.start()]
        before += between
        depth += sum(map(between.count, "([{")) - sum(map(between.count, ")]}"))
        at = match.end()
        if match["comment"] is not None:
            continue
        if depth <= 0 and _is_statement(code, match):
            continue
        kind = match.lastgroup or ""
        yield CodeString(_FILLED.sub(ANY, _unescaped(match[kind])), before, *match.span(kind))
        before = ""


def word_lists_in(found: Sequence[CodeString]) -> Iterator[tuple[str, ...]]:
    """Yield the lists of words that strings form with those after them, as in `["supabase", "db", …]`.

    A list starts at each string. What stands between two of them and isn't a string is a word that nobody knows.
    """
    for start in range(len(found)):
        words = word_list_at(found, start)
        if len(words) > 1:
            yield words


def word_list_at(found: Sequence[CodeString], start: int) -> tuple[str, ...]:
    """Return the words of the list that starts at a string: at least that string's."""
    words = [found[start].value]
    for string in found[start + 1 : start + _LONGEST]:
        unknown = _words_between(string.before)
        if unknown is None:
            break
        words += [*unknown, string.value]
    return tuple(words)


_LONGEST = 16
"""The subcommand and the flags of a command. What follows is other code."""

_BETWEEN = re.compile(r"[\s,\[({:=+]*(?:(?:\.\.\.|\*)?[\w.$]+[\s,:=\[({]+)*")
_NAME = re.compile(r"(?:\.\.\.|\*)?[A-Za-z_$][\w.$]*")


def _words_between(code: str) -> tuple[str, ...] | None:
    """Return the unknown words in the code between two items of a list, or None if the list ends there."""
    if "," not in code and "[" not in code:
        return None
    if not _BETWEEN.fullmatch(code):
        return None
    names = [name for name in _NAME.findall(code) if name != "args"]
    return tuple(ANY_WORDS for _ in names)


def _is_statement(code: str, match: re.Match[str]) -> bool:
    """Whether a string of several lines is a statement of its own, as Python's documentation is."""
    if match["triple"] is None and match["single_triple"] is None:
        return False
    line = code[code.rfind("\n", 0, match.start()) + 1 : match.start()]
    return not line.strip("rRuUbBfF \t")


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text)


@functools.cache
def _pattern(comments: tuple[str, ...]) -> re.Pattern[str]:
    marks = [rf"{re.escape(mark)}[^\n]*" for mark in comments]
    # A web address has two slashes as well, but it stands in a string.
    blocks = [r"/\*.*?\*/"] if "//" in comments else []
    comment = "|".join([*blocks, *marks]) or r"(?!)"
    return re.compile(rf"(?P<comment>{comment})|{_STRING}", re.DOTALL)
