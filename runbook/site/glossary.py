"""The words that need explaining, from `includes/glossary.md`, where Markdown finds them too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from runbook.site.checkout import checkout
from runbook.site.markup import tag, text

__all__ = ["Term", "glossary", "terms", "tooltips"]

_ENTRY = re.compile(r"^\*\[(?P<word>[^\]]+)\]:\s*(?P<meaning>.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Term:
    """A word and what it means, in one sentence."""

    word: str
    meaning: str


@cache
def terms() -> tuple[Term, ...]:
    """Return all terms in alphabetical order."""
    source = (checkout() / "includes" / "glossary.md").read_text(encoding="utf-8")
    found = [Term(match["word"], match["meaning"].strip()) for match in _ENTRY.finditer(source)]
    return tuple(sorted(found, key=lambda term: term.word.lower()))


@cache
def _words() -> tuple[dict[str, str], re.Pattern[str]]:
    meanings = {term.word: term.meaning for term in terms()}
    longest_first = sorted(meanings, key=len, reverse=True)
    return meanings, re.compile(r"\b(" + "|".join(map(re.escape, longest_first)) + r")\b" if meanings else r"(?!)")


def tooltips(value: str) -> str:
    """Escape text and explain each term where it first occurs."""
    meanings, pattern = _words()
    seen: set[str] = set()
    parts = []
    for index, part in enumerate(pattern.split(value)):
        first = bool(index % 2) and part not in seen
        seen.update([part] if first else [])
        parts.append(tag("abbr", text(part), title=meanings[part]) if first else text(part))
    return "".join(parts)


def glossary() -> str:
    """Render all terms as a definition list, each with an anchor."""
    rows = (
        tag("dt", text(term.word), id="term-" + re.sub(r"[^a-z0-9]+", "-", term.word.lower()))
        + tag("dd", text(term.meaning))
        for term in terms()
    )
    return tag("dl", *rows, class_="rb-glossary")
