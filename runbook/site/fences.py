"""Generated blocks in a page's source: their one allowed form, and what is wrong with all others."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape

__all__ = ["block_ids", "fence_problems", "leftovers"]

_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<marks>`{3,}|~{3,})[ \t]*(?P<info>[^\n`]*)$", re.MULTILINE)
_BLOCK = re.compile(r'python exec="on" html="on" id="(?P<id>[a-z0-9]+(?:-[a-z0-9]+)*)"')
_MEANT = re.compile(r"\b(exec|exce|exex|html|source|session|result|updatetoc|idprefix)\s*=", re.IGNORECASE)


def _opening_lines(source: str) -> list[tuple[int, str]]:
    """Return line number and info string of each fence that opens (a fence closes the one before it)."""
    found = []
    closing = ""
    for match in _FENCE.finditer(source):
        marks, info = match["marks"], match["info"].strip()
        if closing:
            if not info and marks.startswith(closing):
                closing = ""
            continue
        closing = marks
        found.append((source.count("\n", 0, match.start()) + 1, info))
    return found


def block_ids(source: str) -> list[str]:
    """Return the ids of all generated blocks in order."""
    return [match["id"] for _, info in _opening_lines(source) if (match := _BLOCK.fullmatch(info))]


def fence_problems(source: str) -> list[str]:
    """Find fences that are meant to run but would be published as they stand, and ids used twice."""
    problems = [
        f'line {number}: write a generated block as ```python exec="on" html="on" id="…", not ```{info}'
        for number, info in _opening_lines(source)
        if _MEANT.search(info) and not _BLOCK.fullmatch(info)
    ]
    twice = [name for name, count in Counter(block_ids(source)).items() if count > 1]
    return problems + [f"two generated blocks have the id {name}" for name in twice]


_EXAMPLE = re.compile(r'<div class="[^"]*rb-example[^"]*">.*?</pre>|<code class="rb-template">.*?</code>', re.DOTALL)
_TAGS = re.compile(r"<[^>]+>")
_SIGNS = {
    "Traceback (most recent call last)": "the traceback of a block is published",
    'exec="': "the source of a block is published",
    "exec=on": "the source of a block is published",
    "from runbook.": "the source of a block is published",
    "{{": "a placeholder is published unfilled",
}


def leftovers(html: str) -> list[str]:
    """Find what only shows in the result: tracebacks and sources of blocks that did not run."""
    visible = unescape(_TAGS.sub("", _EXAMPLE.sub("", html)))
    return sorted({f"{problem} ({sign})" for sign, problem in _SIGNS.items() if sign in visible})
