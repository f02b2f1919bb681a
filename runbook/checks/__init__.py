"""Check a book against its policy: each procedure is safe and complete.

The checks themselves are in `book`, which a walk through a book that passed before doesn't import.
"""

from __future__ import annotations

from runbook.checks.opening import open_book

__all__ = ["open_book"]
