"""A line as it is typed and the verdict that it must get: the test beside a rule, or beside a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runbook.model.fields import VERDICT, MapOf, Text, key, shape
from runbook.model.terms import Position, Verdict

__all__ = ["SHAPES", "LineTest"]


@dataclass(frozen=True, slots=True)
class LineTest:
    """A line and the verdict it must get. `runbook check` and the tests run it.

    If the test has `files` (a text by path), the line runs in a directory that has these files and no others.
    """

    line: str = key(Text(literal=True), "The line.")
    verdict: Verdict = key(VERDICT, "Its verdict.", read=Verdict)
    files: Mapping[str, str] = key(
        MapOf(Text(literal=True), Text(literal=True, empty=True)),
        "Files in the directory where the line runs: the text of each by its path.",
        default=dict,
    )
    at: Position = field(kw_only=True)


SHAPES = (shape(LineTest, "line-test", "a test line", "A line as it is typed, and the verdict it must get."),)
"""The test line."""
