"""Ask for a reason or a note: words for the report, not a key or a shell line that was meant for another place."""

from __future__ import annotations

import re

from runbook.printable import one_line
from runbook.terminal.dialog import Dialog

__all__ = ["ask_note", "ask_reason", "is_meant_as_success"]

_ANSWERS = frozenset({"yes", "no", "done", "redo", "check", "quit", "exit", "stop", "help"})
"""Words that other prompts take; none says why."""
_COMMAND = re.compile(
    r"(?:\$ |sudo |npx |npm |pnpm |supabase |runbook |psql |git |cd |ls(?: |$)|vim? |nano |cat |less |tail |grep |curl "
    r"|ssh |scp |export |fg$|bg$|kill |docker |python3? |node |clear$|top$|\.{0,2}/|~/|!)"
    r"|.*(?: \| | && |\$\(| --[a-z])",
    re.IGNORECASE,
)
"""How a line for a shell begins, or what only such a line has in it."""


_FAILURE = re.compile(
    r"(?:no|nope|not|nothing|none)(?:\W.*)?$|.*\b(?:still (?:broken|fails?|failing|not|the same)|same error|broken"
    r"|(?:does|did|do)(?:n't| not) (?:work|help))\b",
    re.IGNORECASE,
)
"""How an answer reads to "What did you see?" that says that it doesn't work."""


def is_meant_as_success(dialog: Dialog, seen: str) -> bool:
    """Ask about a value seen that reads as if the step had failed: noted down, it would count as done."""
    if not _FAILURE.match(seen):
        return True
    dialog.problem(
        "This reads as if it didn't work, and the step would count as done. Type yes if it did; anything else asks "
        "again. From there b goes a step back, and g to any step."
    )
    return dialog.line().lower() == "yes"


def ask_reason(dialog: Dialog, label: str, *, usual: str = "") -> str:
    """Return a reason that the person typed, "" if none was given; Enter alone gives the `usual` one.

    A key or an answer to another prompt isn't a reason, and what reads like a command is asked about.
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
    """Return a note, "" if none was given. It may be pasted, and may hold a command, but isn't a key."""
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
    dialog.problem("This reads like a command, and nothing runs it here. Type yes to keep it as the reason.")
    return dialog.line().lower() == "yes"
