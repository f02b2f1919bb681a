"""The book's sentences as HTML: code in backticks, **bold**, glossary tooltips and places for values."""

from __future__ import annotations

import re
from collections.abc import Callable

from runbook.model.templates import PLACEHOLDER
from runbook.site.glossary import tooltips
from runbook.site.markup import tag
from runbook.site.snippet import flags
from runbook.site.value_markers import Scope, place

__all__ = ["bullets", "inline", "paragraphs", "plain"]

_PIECES = re.compile(r"(`[^`]+`|\*\*[^*]+\*\*)")


def inline(value: str, scope: Scope | None = None) -> str:
    """Render one run of text. Everything that is not ours is escaped: a book can't bring HTML."""
    return "".join(_piece(piece, scope) for piece in _PIECES.split(" ".join(value.split())) if piece)


def _piece(piece: str, scope: Scope | None) -> str:
    if piece.startswith("`"):
        return tag("code", _with_places(piece[1:-1], scope, flags))
    if piece.startswith("**"):
        return tag("strong", _with_places(piece[2:-2], scope, tooltips))
    return _with_places(piece, scope, tooltips)


def _with_places(value: str, scope: Scope | None, render: Callable[[str], str]) -> str:
    parts = PLACEHOLDER.split(value)
    shown = [place(scope, part) if index % 2 else render(part) for index, part in enumerate(parts)]
    return "".join(shown)


def paragraphs(value: str, scope: Scope | None = None, *, class_: str | None = None) -> str:
    """Render text whose blank lines part paragraphs."""
    blocks = [block for block in re.split(r"\n\s*\n", value.strip()) if block]
    return "\n".join(tag("p", inline(block, scope), class_=class_) for block in blocks)


def bullets(items: tuple[str, ...], scope: Scope | None = None, *, class_: str | None = None) -> str:
    """Render a list, one entry per item; nothing for none."""
    if not items:
        return ""
    return tag("ul", *(tag("li", inline(item, scope)) for item in items), class_=class_)


def plain(value: str) -> str:
    """Strip the marks of `inline`, for titles in attributes and pictures."""
    unmarked = re.sub(r"[`*]", "", " ".join(value.split()))
    return PLACEHOLDER.sub(lambda match: match.group(1).replace("_", " "), unmarked)
