"""The book's sentences in spans and pieces: code in backticks, **bold**, terms, flags and places for values."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from runbook.model.templates import PLACEHOLDER
from runbook.site.snippet import flag_pieces
from runbook.site.source import terms
from runbook.site.value_markers import Piece, ValueScope, place

__all__ = ["Span", "paragraphs", "plain", "spans"]

_SPANS = re.compile(r"(`[^`]+`|\*\*[^*]+\*\*)")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a sentence: plain, code or strong."""

    pieces: tuple[Piece, ...]
    style: Literal["", "code", "strong"] = ""


def spans(sentence: str, scope: ValueScope | None = None, *, as_written: bool = False) -> tuple[Span, ...]:
    """Split a sentence for a template. `as_written` keeps `{{name}}`: the sentence is about templates."""

    def pieces(value: str, split: Callable[[str], tuple[Piece, ...]]) -> tuple[Piece, ...]:
        found: list[Piece] = []
        # The pattern has one group, so every second part is a placeholder's name.
        for index, part in enumerate(PLACEHOLDER.split(value)):
            if not index % 2:
                found += split(part)
            elif as_written:
                found.append(Piece(f"{{{{{part}}}}}", "placeholder"))
            else:
                found += place(scope, part)
        return tuple(found)

    def span(written: str) -> Span:
        if written.startswith("`"):
            return Span(pieces(written[1:-1], flag_pieces), "code")
        if written.startswith("**"):
            return Span(pieces(written[2:-2], _term_pieces), "strong")
        return Span(pieces(written, _term_pieces))

    return tuple(span(part) for part in _SPANS.split(" ".join(sentence.split())) if part)


def _term_pieces(value: str) -> tuple[Piece, ...]:
    """Split text at the glossary's terms; each is explained where it first occurs."""
    meanings, pattern = _terms_pattern()
    found = []
    explained: set[str] = set()
    for index, part in enumerate(pattern.split(value)):
        is_new = bool(index % 2) and part not in explained
        if is_new:
            explained.add(part)
        if part:
            found.append(Piece(part, "term", meanings[part]) if is_new else Piece(part))
    return tuple(found)


@cache
def _terms_pattern() -> tuple[dict[str, str], re.Pattern[str]]:
    meanings = {term.word: term.meaning for term in terms()}
    # The longest first: "dry run" must not be found as "run".
    longest_first = sorted(meanings, key=len, reverse=True)
    return meanings, re.compile(r"\b(" + "|".join(map(re.escape, longest_first)) + r")\b" if meanings else r"(?!)")


def paragraphs(text: str) -> tuple[str, ...]:
    """Split text at its blank lines."""
    return tuple(block for block in re.split(r"\n\s*\n", text.strip()) if block)


def plain(value: str) -> str:
    """Strip the marks of a sentence, for titles in attributes and pictures."""
    unmarked = re.sub(r"[`*]", "", " ".join(value.split()))
    return PLACEHOLDER.sub(lambda match: match.group(1).replace("_", " "), unmarked)
