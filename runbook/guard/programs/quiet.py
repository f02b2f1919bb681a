"""Which commands are quiet: the guard allows them whatever their words are, as long as those are plain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runbook.guard.programs.git import QUIET_VERBS
from runbook.guard.programs.names import DATA_PROGRAMS, bare_name
from runbook.guard.programs.starting import PRINTERS, has_function

if TYPE_CHECKING:
    from runbook.guard.outline import Outline

__all__ = ["quiet_commands"]


def quiet_commands(outline: Outline) -> frozenset[str]:
    """Return the names of quiet programs, and of git with its quiet verbs.

    A quiet program takes its words as data, or only prints something. The policy allows it, the guard reads no file to
    judge it, and nothing that it starts is named in its words.
    """
    names = {name for name in DATA_PROGRAMS if not has_function(name)} | PRINTERS
    quiet = {name for name in names if _starts_nothing(name, outline) and not outline.task_runners(name)}
    if _starts_nothing("git", outline) and all(
        one.after and not one.is_after_optional for one in outline.task_runners("git")
    ):
        tasks = {words.split()[0] for one in outline.task_runners("git") for words in one.after}
        quiet |= {f"git {verb}" for verb in QUIET_VERBS - tasks}
    return frozenset(name for name in quiet if outline.is_only_allowed(*name.split(" ")))


def _starts_nothing(name: str, outline: Outline) -> bool:
    return not outline.launchers(name) and not outline.interpreters(bare_name(name))
