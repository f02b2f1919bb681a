"""Calls of client libraries in code, such as those that delete users, and how to find them."""

from __future__ import annotations

from dataclasses import dataclass

from runbook.model.fields import LINE, TESTS, ListOf, Regex, key, shape
from runbook.model.line_test import LineTest
from runbook.model.terms import Position

__all__ = ["SHAPES", "CodeCall"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeCall:
    """A kind of call in code, in any language, that a person must confirm."""

    reason: str = key(LINE, "What such a call does, as in 'it deletes users'. The person reads it.")
    patterns: tuple[str, ...] = key(
        ListOf(Regex()), "Regular expressions that find the call in code. Comments are removed before they are matched."
    )
    tests: tuple[LineTest, ...] = key(TESTS, "Lines with the verdict that each must get.", default=())
    at: Position


SHAPES = (shape(CodeCall, "code-call", "a call in code", "A kind of call in code that a person must confirm."),)
"""Calls in code."""
