"""What must hold after a step, in words."""

from __future__ import annotations

from runbook.model import Check, Expectation
from runbook.site.actions import PageContext, snippets
from runbook.site.markup import lines, shown, tag
from runbook.site.numbering import Placed
from runbook.site.value_markers import ValueScope as Scope

__all__ = ["check_lines", "expectation_lines"]


def expectation_lines(expect: Expectation, scope: Scope) -> list[str]:
    """Say each part of an expectation as a clause (HTML). An exit code of 0 goes without saying."""
    clauses = []
    if expect.exit:
        clauses.append(f"it ends with exit code {expect.exit}")
    if expect.output is not None:
        clauses.append(f"the output has {_code(scope.fill(expect.output))}")
    if expect.matches is not None:
        clauses.append(f"the output matches {_code(scope.fill(expect.matches))}")
    if expect.absent is not None:
        clauses.append(f"the output does not match {_code(scope.fill(expect.absent))}")
    clauses += [f"{_path(path, scope)} is {_code(scope.fill(value))}" for path, value in expect.json]
    clauses += [f"{_path(path, scope)} is no longer {_code(scope.fill(value))}" for path, value in expect.differs]
    return clauses


def _code(value: str) -> str:
    return tag("code", shown(value)) if value else "empty"


def _path(path: str, scope: Scope) -> str:
    """Say a path as a person reads the output: which column, of which row, of which list."""
    *outer, last = (shown(scope.fill(part)) for part in path.split("."))
    words = tag("code", last)
    for part in reversed(outer):
        words += _within(part)
    return words


def _within(part: str) -> str:
    name, picks, value = part.partition("=")
    if picks:
        return f" where {tag('code', name)} is {tag('code', value)}"
    if part == "*":
        return " in one of the rows"
    if part == "-1":
        return " in the last row"
    if part.isdigit():
        return "" if part == "0" else f" in row {int(part) + 1}"
    return f" of {tag('code', part)}"


def check_lines(page: PageContext, at: Placed, check: Check, *, title: str, anchor: str = "check") -> str:
    """Render a check: the reading command and what it must show."""
    clauses = expectation_lines(check.expect, at.scope)
    wanted = "; ".join(clauses) if clauses else "it ends without an error"
    return lines(
        tag("p", tag("strong", title), f": {wanted}.", class_="rb-wanted", id=f"{anchor}-{at.anchor}"),
        snippets(page, at, check.action, key=f"{anchor}-{at.anchor}-do"),
    )
