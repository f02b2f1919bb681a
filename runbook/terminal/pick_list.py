"""The numbered list of values to pick from when a value is asked for."""

from __future__ import annotations

from runbook.model import Parameter
from runbook.printable import one_line
from runbook.terminal.lines import Lines, wrap

__all__ = ["offered_lines"]


def offered_lines(parameter: Parameter, width: int) -> Lines:
    """Return the values with their numbers, none if there is nothing to pick from."""
    lines: Lines = []
    for number, value in enumerate(parameter.offered, start=1):
        lines += wrap(one_line(value), width, first=f"  {number:>3}  ")
    return lines
