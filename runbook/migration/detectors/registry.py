"""Register the function that detects each rule, under the rule's id and the kinds of statement that it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from runbook.migration.context import Migration
from runbook.migration.finding import Hit
from runbook.migration.statements import Statement

__all__ = ["FILE_DETECTORS", "STATEMENT_DETECTORS", "detects", "detects_in_file"]

StatementDetector = Callable[[Statement, Migration], Iterator[Hit]]
FileDetector = Callable[[Migration], Iterator[Hit]]
_Any = TypeVar("_Any", bound=StatementDetector)
_File = TypeVar("_File", bound=FileDetector)

STATEMENT_DETECTORS: dict[str, list[tuple[str, StatementDetector]]] = {}
"""The rules and their functions, by the kind of statement; under "" for those that look at every statement."""

FILE_DETECTORS: list[tuple[str, FileDetector]] = []
"""The rules that look at a file as a whole, with their functions."""


def detects(rule: str, *kinds: str) -> Callable[[_Any], _Any]:
    """Register a function for a rule and for these kinds of statement; without one, for all."""

    def register(function: _Any) -> _Any:
        for kind in kinds or ("",):
            STATEMENT_DETECTORS.setdefault(kind, []).append((rule, function))
        return function

    return register


def detects_in_file(rule: str) -> Callable[[_File], _File]:
    """Register a function for a rule that looks at the whole file."""

    def register(function: _File) -> _File:
        FILE_DETECTORS.append((rule, function))
        return function

    return register
