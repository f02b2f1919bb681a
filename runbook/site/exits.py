"""The exit codes of the command line: the contract with scripts."""

from __future__ import annotations

from runbook.errors import ExitCode
from runbook.site.markup import tag, text
from runbook.site.prose import inline

__all__ = ["MEANINGS", "exit_codes"]

MEANINGS: dict[ExitCode, tuple[str, str]] = {
    ExitCode.DONE: ("Done.", "Go on."),
    ExitCode.NOT_COMPLETED: (
        "Not completed: a step failed, or the operator stopped.",
        "`runbook resume` goes on where it stood.",
    ),
    ExitCode.USAGE: ("The command line, a value or the book can't be used.", "Read the message: it names the place."),
    ExitCode.REFUSED: (
        "Policy refuses this on this target. No flag changes that.",
        "Do what the message says instead.",
    ),
    ExitCode.NO_TERMINAL: (
        "A person must confirm, and there is no terminal to ask at.",
        "Run it at a terminal. There is no flag for this.",
    ),
    ExitCode.TARGET_HELD: (
        "Another run holds the target.",
        "`runbook status` says who, and since when.",
    ),
    ExitCode.NEEDS_PERSON: ("The guard says that a person must decide.", "Ask one. An agent must stop here."),
    ExitCode.BUG: ("A bug in runbook.", "Send the log that the message names."),
    ExitCode.INTERRUPTED: ("Ctrl-C, outside of a command that was running.", "`runbook resume` goes on."),
}
"""What each code means, and what to do next."""


def exit_codes() -> str:
    """Render all codes. Raises KeyError for a code that nobody has explained."""
    heads = tag("tr", *(tag("th", one, scope="col") for one in ("Code", "Meaning", "What next")))
    return tag("table", tag("thead", heads), tag("tbody", *(_row(code) for code in ExitCode)), class_="rb-table")


def _row(code: ExitCode) -> str:
    meaning, then = MEANINGS[code]
    return tag(
        "tr",
        tag("th", tag("code", text(int(code))), scope="row"),
        tag("td", inline(meaning), data_label="Meaning"),
        tag("td", inline(then), data_label="What next"),
        id=f"exit-{int(code)}",
    )
