"""What is dangerous, and what a line of text would really run. Imports nothing that prints, waits or asks.

`judge`, `judge_words` and `judge_script` are imported when they are first used: a walk does without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runbook.safety.policy import Judgement, classify

if TYPE_CHECKING:
    from runbook.safety.judging import judge, judge_script, judge_words

__all__ = ["Judgement", "classify", "judge", "judge_script", "judge_words"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from runbook.safety import judging

    return getattr(judging, name)
