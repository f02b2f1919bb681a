"""The walk in a terminal: screens as pure functions, and the operator that shows them and reads the answers.

`rich` is imported with this package, so import it only when something is about to be shown.
"""

from __future__ import annotations

from runbook.terminal.operator import TerminalOperator

__all__ = ["TerminalOperator"]
