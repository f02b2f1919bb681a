"""The target of a procedure that reaches no database and no project: this machine alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from runbook.errors import UsageError
from runbook.journal.events import TargetSeen
from runbook.model import TargetKind
from runbook.runtime.environment import settled_environment

__all__ = ["ThisMachine"]


class ThisMachine:
    """Implements `runbook.engine.ports.Target` without the CLI and without a linked project."""

    def __init__(self, directory: str | Path, host: str) -> None:
        self._directory = str(directory)
        self._host = host

    @property
    def directory(self) -> str:
        """The directory where commands run."""
        return self._directory

    def environment(self) -> Mapping[str, str]:
        """Return the settings that the CLI must not look up by itself."""
        return settled_environment(self.directory)

    def notes(self) -> tuple[str, ...]:
        """Return nothing: a target that isn't reached needs no notes."""
        return ()

    def prove(self) -> TargetSeen:
        """Return this machine."""
        return TargetSeen(kind=TargetKind.MACHINE.value, name=self._host, cli="")

    def recheck(self, seen: TargetSeen) -> TargetSeen:
        """Return what was seen: this machine can't have become another one."""
        return seen

    def words(self, argv_template: Sequence[str], major: int) -> tuple[str, ...]:
        """Raise UsageError: no command of such a procedure names a target."""
        del argv_template, major
        raise UsageError("this run has no project, so its commands can't name one")

    def functions_url(self) -> str:
        """Raise UsageError: no request of such a procedure goes to a project."""
        raise UsageError("this run has no project, so it has no edge functions")
