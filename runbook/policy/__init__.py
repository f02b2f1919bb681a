"""What a command or a statement does, and what policy says of it. Imports nothing that prints, waits or asks."""

from __future__ import annotations

from runbook.policy.judgement import Judgement, classify

__all__ = ["Judgement", "classify"]
