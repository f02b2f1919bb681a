"""The table of verbs, from the core and the extras. `--help` reads it without importing any of them."""

from __future__ import annotations

from runbook.extras import installed

__all__ = ["CORE_VERBS", "DESCRIPTION", "verbs"]

DESCRIPTION = "Walk through database migrations and edge function deploys without losing production."
CORE_VERBS: dict[str, str] = {
    "list": "List all procedures, the one for an emergency first.",
    "find": "Find the page for an error, a symptom or a command.",
    "show": "Show one procedure: its overview, its steps and commands.",
    "run": "Walk through a procedure, step by step, on the real target.",
    "resume": "Continue a run that stopped or was cut off.",
    "handover": "Leave a stopped run to somebody else.",
    "confirm": "Confirm somebody else's step, as the second person.",
    "status": "Show what is running now, and at which step it is.",
    "history": "List past runs.",
    "readiness": "Show who has drilled what, and what is due.",
    "watch": "Watch a run from another terminal, as it happens.",
    "verify": "Prove that a run's record is what was recorded.",
    "report": "Write the report of a run, for a postmortem.",
    "journal": "Check, back up and export the record of all runs.",
    "check": "Check the book: syntax, references, safety.",
    "function": "Show what a deploy of an edge function takes from here.",
    "schema": "Print the JSON Schema of the book's files.",
    "init": "Start your team's own book in this project.",
    "new": "Create a new procedure.",
    "upgrade": "Show what changed under your team's changes to the book.",
    "site": "Build, serve or zip the documentation site.",
    "doctor": "Show what this machine has and what it lacks.",
    "setup": "Install the tools that drills need.",
    "completion": "Print the shell completion script.",
}
"""Each verb of the core with its line of help. Verb `x` is the click command `command` in `runbook.cli.x`."""


def verbs() -> dict[str, str]:
    """Return every verb with its line of help, with the verbs of the extras in their places."""
    listed: dict[str, str] = {}
    for verb, summary in CORE_VERBS.items():
        extras = installed().items()
        listed.update({name: extra.summary for name, extra in extras if extra.listed_before == verb})
        listed[verb] = summary
    return listed
