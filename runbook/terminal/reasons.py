"""Ask for a reason or a note: words for the report, not a key or a shell command meant for somewhere else."""

from __future__ import annotations

import re

from runbook.printable import one_line
from runbook.terminal.dialog import Dialog

__all__ = ["ask_note", "ask_reason", "is_meant_as_success"]

_ANSWERS = frozenset({"yes", "no", "done", "redo", "check", "quit", "exit", "stop", "help"})
"""Words that other prompts take; none of them gives a reason."""
_COMMAND = re.compile(
    r"(?:\$ |sudo |npx |npm |pnpm |supabase |runbook |psql |git |cd |ls(?: |$)|vim? |nano |cat |less |tail |grep |curl "
    r"|ssh |scp |export |fg$|bg$|kill |docker |python3? |node |clear$|top$|\.{0,2}/|~/|!)"
    r"|.*(?: \| | && |\$\(| --[a-z])",
    re.IGNORECASE,
)
"""How a shell command begins, or what only a shell command contains."""


_FAILURE = re.compile(
    r"(?:no|nope|not|nothing|none)(?:\W.*)?$|.*\b(?:still (?:broken|fails?|failing|not|the same)|same error|broken"
    r"|(?:does|did|do)(?:n't| not) (?:work|help))\b",
    re.IGNORECASE,
)
"""Answers to "What did you see?" that say it doesn't work."""


def is_meant_as_success(dialog: Dialog, seen: str) -> bool:
    """Ask about an observed value that reads as if the step failed: recording it would mark the step as done."""
    if not _FAILURE.match(seen):
        return True
    dialog.problem(
        "This reads as if it didn't work, but the step would count as done. Type yes if it worked; anything else asks "
        "again. There, b goes back a step, and g goes to any step."
    )
    return dialog.line().lower() == "yes"


def ask_reason(dialog: Dialog, label: str, *, usual: str = "") -> str:
    """Return a reason that the person typed, "" if none was given; Enter alone gives the `usual` one.

    A key or an answer to another prompt isn't a reason, and a text that reads like a command must be confirmed.
    """
    while typed := dialog.line(label):
        if typed.lower() == "q":
            return ""
        if _is_answer(typed):
            dialog.problem(f"'{one_line(typed)}' doesn't say why. Type a few words; Enter or q leaves it.")
        elif not _COMMAND.match(typed) or _is_meant(dialog):
            return typed
    return usual


def ask_note(dialog: Dialog, label: str) -> str:
    """Return a note, "" if none was given. It may be pasted and may contain a command, but it can't be a key."""
    while typed := dialog.value(label):
        if typed.lower() == "q":
            return ""
        if not _is_answer(typed):
            return typed
        dialog.problem(f"'{one_line(typed)}' isn't a note. Type a few words; Enter or q leaves it.")
    return ""


def _is_answer(typed: str) -> bool:
    return len(typed) < 3 or typed.lower() in _ANSWERS


def _is_meant(dialog: Dialog) -> bool:
    dialog.problem("This reads like a command, but nothing runs it here. Type yes to keep it as the reason.")
    return dialog.line().lower() == "yes"
