"""What is known of programs: which start others, which print what they are told, which only take words as data."""

from __future__ import annotations

from runbook.guard.programs.starting import start_command

__all__ = ["start_command"]
