"""An executable runbook for Supabase migrations and edge functions: read, run, drill, guard and check a book."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
