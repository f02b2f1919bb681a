"""Check a book against its policy: each procedure is safe and complete.

Each name is imported when it's first used: a walk through a book that passed before needs no check.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runbook.checks.book import check_book, find_problems
    from runbook.checks.opening import open_book

__all__ = ["check_book", "find_problems", "open_book"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"runbook.checks.{'opening' if name == 'open_book' else 'book'}"), name)
    globals()[name] = found
    return found
