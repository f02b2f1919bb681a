"""The reference pages made from lists: do and don't, SQL patterns, corrections, exit codes, the glossary."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PostgresLexer

from runbook.errors import ExitCode
from runbook.site.source import book, checkout, for_one_build, terms
from runbook.site.templating import render

__all__ = [
    "EXIT_CODE_MEANINGS",
    "Correction",
    "Demonstration",
    "advice",
    "all_corrections",
    "corrections",
    "exit_codes",
    "function_faults",
    "glossary",
    "patterns",
]

_FAULTS = "function-issues"
"""The list of advice that has a page of its own."""


def advice() -> Markup:
    """Render every list of advice but the faults of edge functions."""
    return render("reference/advice.html", lists=[one for one in book().advice if one.id != _FAULTS])


def function_faults() -> Markup:
    """Render the common faults of edge functions, and what to do about them."""
    return render("reference/function_faults.html", faults=next(one for one in book().advice if one.id == _FAULTS))


def patterns() -> Markup:
    """Render every SQL pattern: the safe form, the unsafe one, why, and what catches it."""
    return render(
        "reference/patterns.html", patterns=book().patterns, highlighted=_highlighted, procedure=book().procedure
    )


def _highlighted(sql: str) -> Markup:
    # Pygments escapes what it colours.
    return Markup(highlight(sql.rstrip(), PostgresLexer(), HtmlFormatter(nowrap=True)).rstrip())  # noqa: S704


# --- Corrections ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """A line, the CLI major it is for (`any`: another program), a piece of its output, and what else one sees."""

    cli: str
    run: str
    prints: str = ""
    shows: str = ""

    @property
    def argv(self) -> tuple[str, ...]:
        """Return the line as words."""
        return tuple(shlex.split(self.run))


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One thing that the guide says otherwise. `pattern` and `see` are ids in the book."""

    id: str
    title: str
    guide: str
    so: str
    see: str
    proof: tuple[Demonstration, ...] = ()
    pattern: str | None = None


@for_one_build
def all_corrections() -> tuple[Correction, ...]:
    """Read `includes/corrections.yaml`. Raises TypeError for a key that is unknown or missing."""
    file = checkout() / "includes" / "corrections.yaml"
    read = yaml.safe_load(file.read_text(encoding="utf-8"))
    return tuple(_correction(entry) for entry in read["corrections"])


def _correction(entry: Mapping[str, Any]) -> Correction:
    # YAML reads `cli: 3` as a number; it is a name, like `any`.
    proof = tuple(Demonstration(**{**one, "cli": str(one["cli"])}) for one in entry.get("proof", ()))
    return Correction(**{**entry, "proof": proof})


def corrections() -> Markup:
    """Render all corrections, each with its proof and the procedure that does it right."""
    return render(
        "reference/corrections.html",
        corrections=all_corrections(),
        pattern_titles={pattern.id: pattern.title for pattern in book().patterns},
        procedure=book().procedure,
    )


# --- Exit codes and words -------------------------------------------------------------------------------------------

EXIT_CODE_MEANINGS: dict[ExitCode, tuple[str, str]] = {
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


def exit_codes() -> Markup:
    """Render all codes. Raises KeyError for a code that nobody has explained."""
    return render("reference/exit_codes.html", codes=[(int(code), *EXIT_CODE_MEANINGS[code]) for code in ExitCode])


def glossary() -> Markup:
    """Render all terms as a definition list, each with an anchor."""
    return render("reference/glossary.html", terms=terms())
