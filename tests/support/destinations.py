"""Show what an action runs on a target, with the words from the book's own supabase.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runbook.filling import target_words
from runbook.model import Action, Policy, TargetKind, Value
from runbook.steps.destination import Destination

__all__ = ["argv_of", "destination"]


def destination(policy: Policy, major: int, kind: TargetKind, names: Mapping[str, Value]) -> Destination:
    """Return a target of that kind. `names` fills in its words."""

    def words(template: Sequence[str]) -> tuple[str, ...]:
        return target_words(template, policy=policy, major=major, kind=kind, names=names)

    return Destination(policy, major, words)


def argv_of(
    action: Action,
    values: Mapping[str, Value],
    *,
    policy: Policy,
    major: int,
    kind: TargetKind,
    names: Mapping[str, Value],
) -> tuple[str, ...]:
    """Return the argv of an action there."""
    return action.argv(values, destination(policy, major, kind, names))
