"""The book: all procedures with the policy, the SQL patterns and the advice they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from runbook.errors import UsageError
from runbook.model.policy import Policy
from runbook.model.procedure import Procedure
from runbook.model.terms import Position

__all__ = ["Advice", "Book", "Pattern"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A change of the schema: the form that is safe, the form that is not, and the check that catches it."""

    id: str
    title: str
    safe: str
    unsafe: str
    why: str
    caught_by: str
    notes: tuple[str, ...] = ()
    see: str | None = None
    at: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A do / don't list on one topic; each entry pairs the advice with its reason ("" where it speaks for itself)."""

    id: str
    title: str
    do: tuple[tuple[str, str], ...]
    dont: tuple[tuple[str, str], ...]
    watch: tuple[tuple[str, str], ...] = ()
    at: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """All that was read from one book directory."""

    directory: str
    sources: Mapping[str, str]
    """Text of every file read, by the name that positions use: findings show the line."""
    procedures: Mapping[str, Procedure]
    policy: Policy
    patterns: tuple[Pattern, ...]
    advice: tuple[Advice, ...]

    def procedure(self, name: str) -> Procedure:
        """Return the procedure with that id; raises UsageError naming the closest ones."""
        if name in self.procedures:
            return self.procedures[name]
        close = get_close_matches(name, self.procedures, n=3, cutoff=0.4)
        hint = f"Did you mean {' or '.join(close)}?" if close else "`runbook list` shows all procedures."
        raise UsageError(f"no procedure is called '{name}'", hint=hint)
