"""Read code of any language roughly: its string constants, and those that form one list. Pure.

Only what a string contains can become a command, so comments and documentation don't count. What a string takes from a
variable is unknown text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from runbook.guard.shell.texts import ANY, ANY_WORDS

__all__ = [
    "CodeString",
    "constants_in",
    "is_printed",
    "strings_in",
    "without_comments",
    "word_list_at",
    "word_lists_in",
]

NO_CONSTANTS: Mapping[str, tuple[str, ...]] = {}


class CodeString(NamedTuple):
    """A string constant, the code between its neighbours and itself, and its place, without quotes."""

    value: str
    before: str
    start: int = 0
    end: int = 0
    after: str = ""


_STRING = (
    r'"""(?P<triple>.*?)"""|\'\'\'(?P<single_triple>.*?)\'\'\''
    r'|"(?P<double>(?:\\.|[^"\\\n])*)"|\'(?P<single>(?:\\.|[^\'\\\n])*)\'|`(?P<back>(?:\\.|[^`\\])*)`'
    r"|(?:%x|\bqx)\s*[({\[<|/!](?P<quoted>[^)}\]>|/!\n]*)[)}\]>|/!]"
)
_DOLLAR = re.compile(r"(?<!\\)\$\{([^{}]*)\}")
_HASH = re.compile(r"(?<!\\)#\{([^{}]*)\}")
_BRACE = re.compile(r"(?<!\{)\{([A-Za-z_][^{}]*)\}")
"""What templates take from variables: `${x}`, `#{x}`, `{x}`."""
_ESCAPE = re.compile(r"\\(\n|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}


def strings_in(code: str, comments: Sequence[str]) -> list[CodeString]:
    """Return the string constants of a text, without those in comments and without a language's documentation.

    A template contains what it takes from a variable if that's a constant of the same text.
    """
    found = list(_raw_strings(code, comments))
    behind = [string.before for string in found[1:]] + [code[found[-1].end :]] if found else []
    found = [string._replace(after=after) for string, after in zip(found, behind, strict=True)]
    values = constants_in(found)

    def filled(match: re.Match[str]) -> str:
        name = match[1].strip()
        return " ".join(values[name]) if name in values else ANY

    return [
        string._replace(value=_unescaped(pattern.sub(filled, string.value) if pattern else string.value))
        for string in found
        for pattern in (_template_in(code, string, comments),)
    ]


def without_comments(code: str, comments: Sequence[str]) -> str:
    """Return code without its comments and its documentation. A comment in a string stays."""

    def kept(match: re.Match[str]) -> str:
        return " " if match["comment"] is not None or _is_statement(code, match) else match[0]

    return _pattern(tuple(comments)).sub(kept, code)


def _template_in(code: str, string: CodeString, comments: Sequence[str]) -> re.Pattern[str] | None:
    """Return what a string constant takes from variables, by its quotes and the language's."""
    quote = code[string.start - 1]
    if re.search(r"(?i)(?<!\w)r?f$", string.before):
        return _BRACE
    if quote == "`":
        return _DOLLAR
    if quote == "'" or "#" not in comments:
        return None  # in JavaScript and the like, only a text in backquotes is a template
    return _HASH if _HASH.search(string.value) else _DOLLAR


def constants_in(found: Sequence[CodeString]) -> dict[str, tuple[str, ...]]:
    """Return the names that a text gives to its strings and lists of strings. A name with two values is unknown."""
    values: dict[str, tuple[str, ...]] = {}
    for at, string in enumerate(found):
        match = _NAMED.search(string.before)
        if match is None:
            continue
        words = [string.value]
        for other in found[at + 1 :] if match[2] else ():
            if not _ONLY_COMMA.fullmatch(other.before):
                break
            words.append(other.value)
        values[match[1]] = tuple(words) if values.get(match[1], tuple(words)) == tuple(words) else (ANY_WORDS,)
    return values


_NAMED = re.compile(r"(?<![\w.$])([A-Za-z_$][\w$]*)\s*(?::\s*[\w\[\]<>|, ]+?)?\s*=\s*(\[?)\s*[rbfu]?$")
_ONLY_COMMA = re.compile(r"\s*,\s*")


def is_printed(string: CodeString) -> bool:
    """Whether code only shows a string: it is the first word of a call that prints or raises an error."""
    return _PRINTS.search(string.before) is not None


_PRINTS = re.compile(
    r"(?:\b(?:print|println|printf|puts|log|warn|error|info|debug|writeln?)|Error|Exception)\s*\(\s*[rbfu]?$"
)


def _raw_strings(code: str, comments: Sequence[str]) -> Iterator[CodeString]:
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
        yield CodeString(match[kind], before, *match.span(kind))
        before = ""


def word_lists_in(found: Sequence[CodeString]) -> Iterator[tuple[str, ...]]:
    """Yield the lists of words that strings form with those after them, as in `["supabase", "db", …]`.

    A list starts at each string. What stands between two of them and isn't a string is a constant of the same text, or
    a word that nobody knows.
    """
    values = constants_in(found)
    for start in range(len(found)):
        words = word_list_at(found, start, values)
        if len(words) > 1:
            yield words


def word_list_at(
    found: Sequence[CodeString], start: int, values: Mapping[str, tuple[str, ...]] = NO_CONSTANTS
) -> tuple[str, ...]:
    """Return the words of the list that starts at a string: at least that string's. `values`: constants by name."""
    words, last = [found[start].value], found[start]
    for string in found[start + 1 : start + _LONGEST]:
        between = _words_between(string.before, values)
        if between is None:
            break
        words += [*between, string.value]
        last = string
    # `spawn("supabase", [...rest])`: names that end a list count if they are constants.
    match = _NAMES_BEHIND.match(last.after)
    names = _NAME.findall(match[0]) if match else []
    if names and all(name.lstrip(".*") in values for name in names):
        words += [word for name in names for word in values[name.lstrip(".*")]]
    return tuple(words)


_LONGEST = 16
"""The subcommand and the flags of a command. What follows is other code."""

_BETWEEN = re.compile(r"[\s,\[({:=+]*(?:(?:\.\.\.|\*)?[\w.$]+[\s,:=\[({]+)*")
_NAMES_BEHIND = re.compile(r"['\"`]?\s*,[\s\[({]*(?:(?:\.\.\.|\*)?[A-Za-z_$][\w$]*[\s,]*)+(?=[\])])")
_NAME = re.compile(r"(?:\.\.\.|\*)?[A-Za-z_$][\w.$]*")


def _words_between(code: str, values: Mapping[str, tuple[str, ...]]) -> tuple[str, ...] | None:
    """Return the words of the names in the code between two items of a list, or None if the list ends there."""
    if "," not in code and "[" not in code:
        return None
    if not _BETWEEN.fullmatch(code):
        return None
    names = [name for name in _NAME.findall(code) if name != "args"]
    return tuple(word for name in names for word in values.get(name.lstrip(".*"), (ANY_WORDS,)))


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
