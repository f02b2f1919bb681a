"""YAML to model, with the place of every mistake."""

from __future__ import annotations

from runbook.loading.book import PACKAGED_BOOK, Reading, load_book, load_procedure, read_book, read_policy

__all__ = ["PACKAGED_BOOK", "Reading", "load_book", "load_procedure", "read_book", "read_policy"]
