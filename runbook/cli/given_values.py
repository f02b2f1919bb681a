"""Read the option --set NAME=VALUE, which can be given several times."""

from __future__ import annotations

from collections.abc import Iterable

from runbook.errors import UsageError
from runbook.printable import one_line

__all__ = ["given_values"]


def given_values(given: Iterable[str], *, example: str) -> dict[str, str]:
    """Return the values by name. Raises UsageError, with the example, for what isn't NAME=VALUE or is given twice."""
    values: dict[str, str] = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise UsageError(f"--set {one_line(text)}: expected NAME=VALUE", hint=f"For example: --set {example}")
        if name in values:
            raise UsageError(f"--set {one_line(name)} is given twice")
        values[name] = value
    return values
