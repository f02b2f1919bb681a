"""A command line as a snippet: the words that run, quoted for a shell, with places that the page's fields fill."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from runbook.site.value_markers import FilledPart, Piece, Slot, SqlName, filled_pieces, marks_in, parts

__all__ = ["SnippetWord", "flag_pieces", "shell_quoted", "snippet_words", "sql_word"]

_SAFE = re.compile(r"[\w@%+=:,./-]*", re.ASCII)
_FLAG = re.compile(r"((?<![\w-])--?[a-z][\w-]{1,30}(?![\w-]))")
_SPECIAL = re.compile(r'["$`!]|\\(?:[\\\n]|$)')
"""What means something to a shell inside double quotes; a backslash does only before one of these."""
_QUOTE_OUTSIDE_MARKS = re.compile("'(?![^\ue000]*\ue001)")


@dataclass(frozen=True, slots=True)
class SnippetWord:
    """A word of a snippet. `data` is how the page's script fills it; empty where nothing is left to fill."""

    pieces: tuple[Piece, ...]
    data: str = ""
    is_target: bool = False


def snippet_words(argv: Sequence[str], target: Collection[str] = ()) -> tuple[SnippetWord, ...]:
    """Return an argv as words quoted for a shell. Words of `target` say where it lands."""
    return tuple(_word(word, is_target=word in target) for word in argv)


def _word(word: str, *, is_target: bool) -> SnippetWord:
    if marks_in(word):
        return SnippetWord(_quoted(word), _data(word), is_target)
    return SnippetWord(flag_pieces(shell_quoted(word)), is_target=is_target)


def sql_word(statement: str) -> SnippetWord:
    """Return a statement as one word that no shell sees: it is pasted into an SQL editor."""
    return SnippetWord(filled_pieces(statement), _data(statement) if marks_in(statement) else "")


def shell_quoted(word: str) -> str:
    """Quote a word for a shell as the terminal shows it: SQL reads better in double quotes, where that is the same."""
    return f'"{word}"' if "'" in word and not _SPECIAL.search(word) else shlex.quote(word)


def flag_pieces(code: str) -> tuple[Piece, ...]:
    """Split code at its flags, so that no line on a page ends within one."""
    # The pattern has one group, so every second part is a flag.
    return tuple(Piece(part, "flag" if index % 2 else "") for index, part in enumerate(_FLAG.split(code)) if part)


def _data(word: str) -> str:
    """Write a word's parts for the page's script: text, [key, mode] for a place, {"name": parts} for an SQL name."""
    return json.dumps([_datum(part) for part in parts(word)], ensure_ascii=False, separators=(",", ":"))


def _datum(part: FilledPart) -> object:
    if isinstance(part, Slot):
        return [part.key, part.mode]
    return {"name": [_datum(inner) for inner in part.parts]} if isinstance(part, SqlName) else part


def _quoted(word: str) -> tuple[Piece, ...]:
    """Quote a word whose places are still empty. An empty place outside quotes stops a shell: it redirects."""
    fixed = "".join(part for part in parts(word) if isinstance(part, str))
    if _SAFE.fullmatch(fixed):
        return filled_pieces(word)
    # The shell's quotes go around the pieces: around the word they would be taken for those of an SQL name.
    if "'" in fixed and not _SPECIAL.search(fixed):
        return (Piece('"'), *filled_pieces(word), Piece('"'))
    return (Piece("'"), *filled_pieces(_QUOTE_OUTSIDE_MARKS.sub("'\"'\"'", word)), Piece("'"))
