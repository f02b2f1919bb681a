"""What is dangerous, and what a line of text would really run. Imports nothing that prints, waits or asks."""

from __future__ import annotations

from runbook.safety.judge import judge, judge_words
from runbook.safety.policy import Judgement, classify

__all__ = ["Judgement", "classify", "judge", "judge_words"]
