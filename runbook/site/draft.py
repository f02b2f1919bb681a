"""A new procedure's YAML: small, complete, and right enough to pass every check, to be replaced part by part."""

from __future__ import annotations

from datetime import date

from runbook.model import Section

__all__ = ["draft"]


def draft(title: str, section: Section, *, owner: str, reviewed: date) -> str:
    """Return the text of a procedure that reads the history and asks for one thing to be seen."""
    return _DRAFT.format(title=_quoted(title), section=section.value, owner=_quoted(owner), reviewed=reviewed)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


_DRAFT = """\
# yaml-language-server: $schema=../schema/procedure.schema.json
title: {title}
summary: One sentence. What it achieves, or when it is needed.
section: {section}
use_when:
  - What somebody sees or wants when this is the right procedure, in their words
owner: {owner}
reviewed: {reviewed}
review_every: 90d
minutes: 5
needs:
  - The project linked in this directory
steps:
  - id: see-history
    phase: Look
    title: See which migrations production has
    why: Why this step is there, where the title does not say it.
    run: npx supabase migration list {{{{target}}}} --output-format json
    look_for: What must be seen before going on.
    minutes: 1
  - id: saw-it
    tick: A thing that only a person can do or see
after:
  - What is left to do when all steps are done.
"""
