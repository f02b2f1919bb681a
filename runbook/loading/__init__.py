"""Load YAML into the model, with the place of every mistake.

Each name is imported when it's first used: the guard reads the policy and doesn't need the steps.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runbook.loading.book import Reading, load_book, load_procedure, read_book
    from runbook.loading.files import read_policy
    from runbook.loading.place import PACKAGED_BOOK, book_directory

__all__ = ["PACKAGED_BOOK", "Reading", "book_directory", "load_book", "load_procedure", "read_book", "read_policy"]

_MODULES = {"PACKAGED_BOOK": "place", "read_policy": "files", "book_directory": "place"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(f"runbook.loading.{_MODULES.get(name, 'book')}"), name)
    globals()[name] = found
    return found
