"""A judgement in words: what would have happened, where, and what to do instead."""

from __future__ import annotations

import json
import shlex
import textwrap

from runbook.guard.targets import described_target
from runbook.model import Effect, Verdict
from runbook.policy.judgement import Judgement

__all__ = ["as_json", "as_sentence", "as_text", "hidden"]

_HEADS = {
    Verdict.ALLOW: "allowed",
    Verdict.CONFIRM: "this needs a person",
    Verdict.REFUSE: "refused; it did not run",
}
_EFFECTS = {
    Effect.READS: "reads",
    Effect.WRITES: "writes",
    Effect.DESTROYS: "DESTROYS DATA",
}


def as_text(judged: Judgement, directory: str | None) -> str:
    """Return a judgement as lines for a terminal. The directory tells which project is linked."""
    lines = [f"runbook guard: {_HEADS[judged.verdict]}"]
    if judged.verdict is Verdict.ALLOW:
        return lines[0]
    if judged.commands:
        lines.append(f"  Command:  {hidden(shlex.join(judged.commands[0]))}")
    if judged.target is not None:
        lines.append(_wrapped("Would go:", f"to {described_target(judged, directory)}; it {_EFFECTS[judged.effect]}"))
    lines.append(_wrapped("Why:", hidden(judged.reason)))
    if judged.instead:
        lines.append(_wrapped("Instead:", judged.instead))
    return "\n".join(lines)


def _wrapped(name: str, text: str) -> str:
    return textwrap.fill(
        text,
        80,
        initial_indent=f"  {name:<10}",
        subsequent_indent=" " * 12,
        break_on_hyphens=False,
        break_long_words=False,
    )


def as_sentence(judged: Judgement, directory: str | None) -> str:
    """Return a judgement as one paragraph, for an agent to read."""
    parts = [f"runbook guard: {_HEADS[judged.verdict]}."]
    if judged.commands:
        parts.append(f"`{hidden(shlex.join(judged.commands[0]))}`")
    if judged.target is not None:
        parts.append(f"would go to {described_target(judged, directory)}, and it {_EFFECTS[judged.effect]}.")
    parts.append(hidden(judged.reason))
    if judged.instead:
        parts.append(f"Instead: {judged.instead}")
    return " ".join(parts)


def as_json(judged: Judgement) -> str:
    """Return a judgement as one JSON object."""
    return json.dumps(
        {
            "verdict": judged.verdict.value,
            "effect": judged.effect.value,
            "rule": judged.rule,
            "reason": hidden(judged.reason),
            "instead": judged.instead,
            "family": judged.family.value,
            "target": judged.target.value if judged.target else None,
            "commands": [[hidden(word) for word in command] for command in judged.commands],
        },
        ensure_ascii=False,
    )


def hidden(text: str) -> str:
    """Return a text without what looks like a secret."""
    from runbook.policy.redaction import Redactor

    return Redactor().redact(text)
