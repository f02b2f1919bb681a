"""Tell what a command or a statement does, and judge it by the policy. Imports nothing that prints, waits or asks."""

from __future__ import annotations

from runbook.policy.judgement import Judgement, classify

__all__ = ["Judgement", "classify"]
