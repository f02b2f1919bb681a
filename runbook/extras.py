"""The extras: folders that add a verb to the command line, and that anyone can delete.

A folder of this package with a module `plug` is an extra, and its verb has the folder's name. Nothing else in the core
refers to an extra. `plug` is imported before every `--help`, so it declares what the extra adds and imports the rest
late.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

    from runbook.checks.findings import Notes
    from runbook.checks.subject import Subject
    from runbook.cli.doctor_checks import Diagnosis

__all__ = ["Extra", "answer_early", "installed"]

_PACKAGE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Extra:
    """What one extra adds. Its module `plug` holds it under the name `EXTRA`."""

    summary: str
    """The verb's line in `runbook --help`."""
    listed_before: str
    """The verb of the core that its line precedes."""
    load_command: Callable[[], click.Command]
    answer_early: Callable[[Sequence[str]], int | None] | None = None
    """Answers a command line before click loads and returns the exit code, or None to continue as usual."""
    check_book: Callable[[Subject, Notes], None] | None = None
    """Adds a check to `runbook check`."""
    check_machine: Callable[[], Iterator[Diagnosis]] | None = None
    """Adds checks to `runbook doctor`."""
    under_way: Callable[[], Sequence[str]] | None = None
    """Adds sentences to `runbook status` on what the extra is doing on this machine."""


@cache
def installed() -> dict[str, Extra]:
    """Return every existing extra by the name of its verb, sorted."""
    names = sorted(plug.parent.name for plug in _PACKAGE.glob("*/plug.py"))
    return {name: _load(name) for name in names}


def answer_early(words: Sequence[str]) -> int | None:
    """Let the extra whose verb is among the first words answer; return None if none does.

    This imports no other extra, because it runs before every command that the guard judges.
    """
    for word in words[:3]:  # `runbook --book DIR VERB` is the longest form
        if word.isidentifier() and (_PACKAGE / word / "plug.py").is_file():
            extra = _load(word)
            code = extra.answer_early(words) if extra.answer_early else None
            if code is not None:
                return code
    return None


def _load(name: str) -> Extra:
    extra: Extra = import_module(f"runbook.{name}.plug").EXTRA
    return extra
