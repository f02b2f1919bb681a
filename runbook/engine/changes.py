"""What changed between a run's stop and its going on: shown, and accepted by a person or not at all."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from runbook.engine.context import Context, difference
from runbook.engine.rules import rules_difference, weakened
from runbook.journal.events import ChangeAccepted, RulesSeen, TargetSeen
from runbook.loading.includes import included_by
from runbook.model import Book, Procedure
from runbook.printable import lines_of

__all__ = ["accept_changes", "source_difference", "sources_of"]


def accept_changes(context: Context, seen: TargetSeen) -> tuple[ChangeAccepted, ...] | None:
    """Show what differs from what the run was started with; None if the operator does not go on with it."""
    sources = sources_of(context.procedure, context.book)
    changes: list[ChangeAccepted] = []
    if context.procedure.digest != context.state.digest:
        text = source_difference(context.state.sources, sources)
        changes.append(_change(context, "procedure", text, sources, context.target))
    if diff := difference(context.target, seen):
        changes.append(_change(context, "target", diff, sources, seen))
    before, rules = context.state.rules, context.rules_at(seen)
    stricter = None
    if before.digest and (weakened(before, rules) or before.digest != rules.digest):
        target = changes[-1].target if changes else context.target
        change = _change(context, "policy", rules_difference(before, rules), sources, target, rules)
        if weakened(before, rules):
            changes.append(change)
        else:
            stricter = change
    accepted = all(context.ports.operator.accept(change.what, change.diff) for change in changes)
    return tuple(each for each in (*changes, stricter) if each) if accepted else None


def sources_of(procedure: Procedure, book: Book) -> dict[str, str]:
    """Return the YAML text of a procedure and of all that it includes, by id."""
    found: dict[str, str] = {}
    waiting = [procedure.id]
    while waiting:
        name = waiting.pop()
        known = procedure if name == procedure.id else book.procedures.get(name)
        if name not in found and known is not None:
            found[name] = known.source
            waiting.extend(step.action.included for step in included_by((*known.before, *known.steps)))
    return found


def source_difference(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Return a unified difference of all procedures that a run rests on."""
    lines: list[str] = []
    for name in sorted({*before, *after}):
        old, new = lines_of(before.get(name, "")), lines_of(after.get(name, ""))
        lines += difflib.unified_diff(old, new, f"{name} when the run began", f"{name} now", lineterm="")
    return "\n".join(lines) or "The text is the same, its meaning is not: another version of runbook reads it."


def _change(
    context: Context,
    what: str,
    diff: str,
    sources: Mapping[str, str],
    target: TargetSeen,
    rules: RulesSeen | None = None,
) -> ChangeAccepted:
    return ChangeAccepted(
        at=context.ports.clock.now(),
        what=what,
        diff=diff,
        digest=context.procedure.digest,
        sources=sources,
        target=target,
        rules=rules or RulesSeen(),
    )
