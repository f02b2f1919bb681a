"""How far a run got, in a few words. Its own module, because listing runs needs nothing else of a report."""

from __future__ import annotations

from runbook.engine.state import RunState

__all__ = ["outcome_of"]


def outcome_of(state: RunState) -> str:
    """Return in a few words how far a run got."""
    if state.drill is not None:
        return f"drill {'passed' if state.drill.passed else 'failed'}"
    if state.ended:
        return "finished"
    if state.unknown is not None:
        return f"not finished, the end of step {state.unknown.path} is unknown"
    return f"not finished ({state.paused})" if state.paused else "not finished"
