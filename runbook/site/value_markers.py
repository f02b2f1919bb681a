"""Places for values: a marker that goes through filling and shows where it ended up and how it was escaped there.

The pieces of a sentence, and the words of a snippet that the page's fields fill, are made from these markers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from runbook.filling import PLACE_MARKS
from runbook.model import Parameter
from runbook.model.templates import PLACEHOLDER
from runbook.rendering.command_text import shell_word
from runbook.steps.scope import BUILT_INS, Scope

__all__ = [
    "FilledPart",
    "Piece",
    "Slot",
    "SnippetWord",
    "SqlName",
    "flag_pieces",
    "mark",
    "marked",
    "marked_pieces",
    "marked_scope",
    "marks_in",
    "name_of",
    "parts",
    "plain_parts",
    "shown_pieces",
    "snippet_words",
    "stand_in",
]

_OPEN, _CLOSE = tuple(PLACE_MARKS)
_PROBE = "'\"\\"
"""Ends every marker. What filling turned these three characters into shows how it escapes values there."""
# A string doubles the single quote, an escape string also the backslash, a quoted name the double quote.
_MODES = {_PROBE: "word", "''\"\\": "text", "''\"\\\\": "escape", '\'""\\': "quoted"}

_MARK = re.compile(rf"{_OPEN}(?P<key>[a-z0-9_.-]+)(?P<probe>['\"\\]+){_CLOSE}")
_NAME = re.compile(rf"{_MARK.pattern}|\"(?P<inner>(?:[^\"{_OPEN}]|{_OPEN}[^{_CLOSE}]*'\"\"\\{_CLOSE})*)\"")
"""A marker, or a name in SQL's own quotes. The marker comes first, because it contains a quote itself."""


# --- Markers as values ----------------------------------------------------------------------------------------------


def mark(key: str) -> str:
    """Return the marker for the value of that key, until a reader has typed the value."""
    return f"{_OPEN}{key}{_PROBE}{_CLOSE}"


def stand_in(prefix: str, name: str, asks: Parameter | None) -> str:
    """Return the marker for a name that a step finds. Two includes of one procedure differ by their prefixes."""
    del asks  # the field shows the example; a command only has the place
    return mark(prefix + name)


def marked_scope(parameters: Iterable[Parameter]) -> Scope:
    """Return what is known before a procedure's first step: a marker for every name."""
    names = (*BUILT_INS, *(one.name for one in parameters if not one.secret))
    return Scope(
        values={name: mark(name) for name in names}, secrets={one.name: one.name for one in parameters if one.secret}
    )


def marked(template: str) -> str:
    """Put markers into a text outside of any step; a text that is already filled doesn't change."""
    return PLACEHOLDER.sub(lambda found: mark(found[1]), template)


def marks_in(filled: str) -> tuple[str, ...]:
    """Return the keys of all places, in order of first appearance."""
    return tuple(dict.fromkeys(match["key"] for match in _MARK.finditer(filled)))


def name_of(key: str) -> str:
    """Return the name that a person sees for a key."""
    return key.rsplit(".", 1)[-1]


# --- Filled texts ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Slot:
    """An empty place. `mode` says how a value is escaped there: `word`, `text`, `escape` or `quoted`."""

    key: str
    mode: str


@dataclass(frozen=True, slots=True)
class SqlName:
    """A name in SQL, quoted only if it has to be."""

    parts: tuple[str | Slot, ...]


FilledPart = str | Slot | SqlName


def parts(filled: str) -> Iterator[FilledPart]:
    """Split a filled command or statement into fixed text, places, and SQL names with places."""
    if _OPEN not in filled:
        yield from plain_parts(filled)
        return
    end = 0
    for match in _NAME.finditer(filled):
        if _OPEN in (match["inner"] or ""):
            yield from plain_parts(filled[end : match.start()])
            yield SqlName(tuple(plain_parts(match["inner"])))
            end = match.end()
    yield from plain_parts(filled[end:])


def plain_parts(filled: str) -> Iterator[str | Slot]:
    """Split a filled text, in which quotes have no meaning, into fixed text and places."""
    end = 0
    for match in _MARK.finditer(filled):
        if match.start() > end:
            yield filled[end : match.start()]
        yield Slot(match["key"], _MODES[match["probe"]])
        end = match.end()
    if end < len(filled):
        yield filled[end:]


@dataclass(frozen=True, slots=True)
class Piece:
    """Text in one style, for a template. `note` is the meaning of a term, or the key of a place."""

    text: str
    kind: Literal["", "place", "flag", "term", "placeholder"] = ""
    note: str = ""


def marked_pieces(filled: str) -> tuple[Piece, ...]:
    """Split a filled text, in which quotes have no meaning, into pieces of fixed text and places."""
    return tuple(piece for part in plain_parts(filled) for piece in shown_pieces(part))


def shown_pieces(part: FilledPart) -> Iterator[Piece]:
    """Yield the pieces of a part whose values haven't been typed yet."""
    if isinstance(part, str):
        yield Piece(part)
    elif isinstance(part, SqlName):
        for inner in part.parts:
            yield from shown_pieces(inner)
    elif part.key == "target":
        # The target stands for words that differ by CLI major, so it has no field.
        yield Piece("the target")
    else:
        yield Piece(f"<{name_of(part.key)}>", "place", part.key)


# --- Snippets: the words that run, quoted for a shell -----------------------------------------------------------------

_FLAG = re.compile(r"((?<![\w-])--?[a-z][\w-]{1,30}(?![\w-])=?)")
# The end of a marker contains quotes of its own, which must stay as they are.
_QUOTE_OUTSIDE_MARKS = re.compile(f"'(?![^{_OPEN}]*{_CLOSE})")


@dataclass(frozen=True, slots=True)
class SnippetWord:
    """A word of a snippet. `data` tells the page's script how to fill it; empty if nothing is left to fill."""

    pieces: tuple[Piece, ...]
    data: str = ""
    is_target: bool = False
    is_whole: bool = False
    """Whether a line should not end inside it: somebody who types the command would type a space there."""


def snippet_words(argv: Sequence[str], target: Collection[str] = ()) -> tuple[SnippetWord, ...]:
    """Return an argv as words quoted for a shell. The words of `target` say where the command lands."""
    # A flag may have its value after `=`.
    flags = {word.partition("=")[0] for word in target}
    return tuple(_snippet_word(word, is_target=word.partition("=")[0] in flags) for word in argv)


def _snippet_word(word: str, *, is_target: bool) -> SnippetWord:
    has_place = bool(marks_in(word))
    return SnippetWord(
        _quoted_pieces(word) if has_place else flag_pieces(shell_word(word)),
        _data(word) if has_place else "",
        is_target=is_target,
        # A word of letters alone has no place where a line could end.
        is_whole=re.fullmatch(r"\w*|.*\s.*", word, re.DOTALL) is None,
    )


def flag_pieces(code: str) -> tuple[Piece, ...]:
    """Split code at its flags, so that no line on a page ends inside one."""
    # The pattern has one group, so every second part is a flag.
    return tuple(Piece(part, "flag" if index % 2 else "") for index, part in enumerate(_FLAG.split(code)) if part)


def _filled_pieces(filled: str) -> tuple[Piece, ...]:
    return tuple(piece for part in parts(filled) for piece in shown_pieces(part))


def _quoted_pieces(word: str) -> tuple[Piece, ...]:
    """Quote a word whose places are still empty. Outside quotes, an empty place stops a shell, because it redirects."""
    fixed = "".join(part for part in parts(word) if isinstance(part, str))
    shown = shell_word(fixed)
    if fixed in {"", shown}:
        return _filled_pieces(word)
    # The shell's quotes go around the pieces; around the word, they would be taken for those of an SQL name.
    if shown.startswith('"'):
        return (Piece('"'), *_filled_pieces(word), Piece('"'))
    return (Piece("'"), *_filled_pieces(_QUOTE_OUTSIDE_MARKS.sub("'\"'\"'", word)), Piece("'"))


def _data(word: str) -> str:
    """Write a word's parts for the page's script: text, [key, mode] for a place, {"name": parts} for an SQL name."""

    def datum(part: FilledPart) -> object:
        if isinstance(part, Slot):
            return [part.key, part.mode]
        return {"name": [datum(inner) for inner in part.parts]} if isinstance(part, SqlName) else part

    return json.dumps([datum(part) for part in parts(word)], ensure_ascii=False, separators=(",", ":"))
