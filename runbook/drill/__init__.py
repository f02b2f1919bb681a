"""Practise a procedure on a throwaway target, with the real CLI."""

from __future__ import annotations
