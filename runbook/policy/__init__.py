"""Tell what a command or a statement does, and judge it by the policy. Imports nothing that prints, waits or asks.

The judgement is imported when it's first used: the migration check only needs the tokenizer for SQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runbook.policy.judgement import Judgement, classify

__all__ = ["Judgement", "classify"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from runbook.policy import judgement

        return getattr(judgement, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
