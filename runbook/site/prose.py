"""The book's sentences as spans and pieces: code, **bold**, links, terms, flags and places for values."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from runbook.markup import prose_parts
from runbook.model import Project, TargetKind
from runbook.model.team import ANY_PROJECT
from runbook.model.templates import PLACEHOLDER
from runbook.site.source import book, for_one_build, terms
from runbook.site.value_markers import Piece, flag_pieces, marked, marked_pieces, plain_parts, shown_pieces

__all__ = ["Span", "clause_spans", "paragraphs", "plain", "spans"]

_SPACES = re.compile(r"[ \t\n]+")
"""Other characters that look like a space are kept, so that readers see their numbers."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a sentence: plain, code, strong, or a link that leads to `href`."""

    pieces: tuple[Piece, ...]
    style: Literal["", "code", "strong", "link"] = ""
    href: str = ""


def spans(sentence: str, *, as_written: bool = False) -> tuple[Span, ...]:
    """Split a sentence for a template; it may be filled with markers already.

    `as_written` keeps `{{name}}`, for sentences about templates.
    """
    text = _SPACES.sub(" ", sentence).strip(" ")
    if not as_written:
        text = marked(text)
    return tuple(
        Span(_pieces(part.text, flag_pieces if part.style == "code" else _term_pieces), part.style, _to(part.href))
        for part in prose_parts(text)
    )


def _to(address: str) -> str:
    """Return where a link leads: to the dashboard of the team's production, if it is a page of any project's."""
    return address.replace(ANY_PROJECT, f"{production.dashboard}/", 1) if (production := _production()) else address


def _production() -> Project | None:
    team = book().team
    return team.projects.get(TargetKind.PRODUCTION) if team else None


def _pieces(value: str, split: Callable[[str], tuple[Piece, ...]]) -> tuple[Piece, ...]:
    found: list[Piece] = []
    for part in plain_parts(value):
        if not isinstance(part, str):
            found += shown_pieces(part)
            continue
        # The pattern has one group, so every second text is a placeholder's name.
        for index, text in enumerate(PLACEHOLDER.split(part)):
            found += (Piece(f"{{{{{text}}}}}", "placeholder"),) if index % 2 else split(text)
    return tuple(found)


def clause_spans(clause: str) -> tuple[Span, ...]:
    """Split a clause at its code, in which everything is literal and no word is a term."""
    # Backticks come in pairs, so every second text is code.
    found = enumerate(clause.split("`"))
    return tuple(Span(marked_pieces(text), "code" if index % 2 else "") for index, text in found if text)


def _term_pieces(value: str) -> tuple[Piece, ...]:
    """Split text at the glossary's terms; each is explained where it first occurs."""
    found, unexplained = [], dict(terms())
    # The pattern has one group, so every second part is a term.
    for index, part in enumerate(_terms_pattern().split(value)):
        if index % 2 and part in unexplained:
            found.append(Piece(part, "term", unexplained.pop(part)))
        elif part:
            found.append(Piece(part))
    return tuple(found)


@for_one_build
def _terms_pattern() -> re.Pattern[str]:
    # The longest first, so that "dry run" isn't found as "run".
    longest_first = sorted(terms(), key=len, reverse=True)
    return re.compile(r"\b(" + "|".join(map(re.escape, longest_first)) + r")\b" if longest_first else r"(?!)")


def paragraphs(text: str) -> tuple[str, ...]:
    """Split text at its blank lines."""
    return tuple(block for block in re.split(r"\n\s*\n", text.strip()) if block)


def plain(value: str) -> str:
    """Strip the markup of a sentence, for titles in attributes and pictures."""
    unmarked = re.sub(r"[`*]", "", "".join(part.text for part in prose_parts(_SPACES.sub(" ", value).strip(" "))))
    return PLACEHOLDER.sub(lambda match: match.group(1).replace("_", " "), unmarked)
