"""What changed between a run's stop and its resumption: shown to a person, who accepts it or stops."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from runbook.engine.context import Context, difference
from runbook.engine.project_files import compare_files
from runbook.engine.rules import weakened
from runbook.journal.events import ChangeAccepted, RulesSeen, TargetSeen
from runbook.loading.includes import included_by
from runbook.model import Book, Procedure
from runbook.printable import lines_of

__all__ = ["accept_changes", "source_difference", "sources_of"]


def accept_changes(context: Context, seen: TargetSeen) -> tuple[ChangeAccepted, ...] | None:
    """Show what has changed since the run started; return None if the operator doesn't accept it.

    Every change pins the rules again, so that commands added by a changed procedure or target are compared later, too.
    """
    sources = sources_of(context.procedure, context.book)
    before, rules = context.state.rules, context.rules_at(seen)
    changes: list[ChangeAccepted] = []
    if context.procedure.digest != context.state.digest:
        text = source_difference(context.state.sources, sources)
        changes.append(_change(context, "procedure", text, sources, context.target, rules))
    if diff := difference(context.target, seen):
        changes.append(_change(context, "target", diff, sources, seen, rules))
    if moved := _difference_of_places(context):
        changes.append(_change(context, "project's directory", moved, sources, context.target, rules))
    silent: list[ChangeAccepted] = []
    if before.digest and (weakened(before, rules) or before.digest != rules.digest):
        target = changes[-1].target if changes else context.target
        change = _change(context, "policy", _rules_difference(before, rules), sources, target, rules)
        (changes if weakened(before, rules) else silent).append(change)
    accepted = all(context.ports.operator.accept(change.what, change.diff) for change in changes)
    return (*changes, *silent) if accepted else None


def _difference_of_places(context: Context) -> str:
    """Return what is different if the run continues in another directory or on another machine, "" if it doesn't."""
    state, directory = context.state, context.ports.target.directory
    if not state.directory or (state.host, state.directory) == (context.identity.host, directory):
        return ""
    files = compare_files(state.files, context.files())
    return "\n".join(
        [
            f"-{state.directory} on {state.host}",
            f"+{directory} on {context.identity.host}",
            *(files or ["The migrations, the edge functions and the settings are the same."]),
        ]
    )


def sources_of(procedure: Procedure, book: Book) -> dict[str, str]:
    """Return the YAML text of a procedure and of everything it includes, by id."""
    found: dict[str, str] = {}
    waiting = [procedure.id]
    while waiting:
        name = waiting.pop()
        known = procedure if name == procedure.id else book.procedures.get(name)
        if name not in found and known is not None:
            found[name] = known.source
            waiting.extend(step.action.included for step in included_by(known.all_steps))
    return found


def source_difference(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Return a unified diff of all procedures that a run depends on."""
    return "\n".join(_by_line(before, after)) or (
        "The text is the same, but another version of runbook may read it differently."
    )


def _rules_difference(before: RulesSeen, now: RulesSeen) -> str:
    """Return what changed: first what it means for this run's commands, then a diff of the texts."""
    said = weakened(before, now) or ["No command of this run is judged more leniently than when it began."]
    return "\n".join((*(line[:1].upper() + line[1:] for line in said), *_by_line(before.sources, now.sources)))


def _by_line(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*before, *after}):
        old, new = lines_of(before.get(name, "")), lines_of(after.get(name, ""))
        yield from difflib.unified_diff(old, new, f"{name} when the run began", f"{name} now", lineterm="")


def _change(
    context: Context,
    what: str,
    diff: str,
    sources: Mapping[str, str],
    target: TargetSeen,
    rules: RulesSeen,
) -> ChangeAccepted:
    return ChangeAccepted(
        at=context.ports.clock.now(),
        what=what,
        diff=diff,
        digest=context.procedure.digest,
        sources=sources,
        target=target,
        rules=rules,
    )
