"""Cut an SQL script into its statements, as the CLI does before it runs and records them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

__all__ = ["split_statements"]

# What may hold a semicolon that ends nothing: quoted text, dollar-quoted text, comments.
_OPAQUE = re.compile(
    r"""
    (?P<comment>--[^\n]*)
    | (?P<block>/\*)
    | (?P<dollar>\$(?:[A-Za-z_\x80-\uffff][A-Za-z0-9_\x80-\uffff]*)?\$)
    | (?P<escape>\b[eE]'(?:[^'\\]|\\.|'')*')
    | (?P<text>'(?:[^']|'')*')
    | (?P<name>"(?:[^"]|"")*")
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)


def split_statements(script: str) -> tuple[str, ...]:
    """Return the statements without their semicolons; comments stay with the statement they stand before."""
    cuts = [-1, *_ends(script), len(script)]
    pieces = (script[start + 1 : end].strip() for start, end in pairwise(cuts))
    return tuple(piece for piece in pieces if _has_words(piece))


def _ends(script: str) -> Iterator[int]:
    """Yield where statements end."""
    at = 0
    while found := _OPAQUE.search(script, at):
        at = found.end()
        if found["dollar"]:
            close = script.find(found["dollar"], at)
            at = len(script) if close < 0 else close + len(found["dollar"])
        elif found["block"]:
            at = _after_block(script, at)
        elif found["end"]:
            yield found.start()


def _after_block(script: str, at: int) -> int:
    """Return where a block comment ends; they nest."""
    depth = 1
    for mark in re.compile(r"/\*|\*/").finditer(script, at):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(script)


def _has_words(piece: str) -> bool:
    return bool(re.sub(r"--[^\n]*|/\*.*?\*/", "", piece, flags=re.DOTALL).strip())
