"""Check a book against its policy: each procedure is safe and complete."""

from __future__ import annotations

from runbook.checks.book import check_book, find_problems, open_book

__all__ = ["check_book", "find_problems", "open_book"]
