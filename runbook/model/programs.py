"""The table of programs that run what they are given, and of the files that hold commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runbook.model.fields import PATHS, ListOf, MapOf, Shaped, Text, key, shape

if TYPE_CHECKING:
    from runbook.model.code_calls import CodeCall
    from runbook.model.command_files import CommandFile, TaskRunner
    from runbook.model.launchers import Interpreter, Launcher

__all__ = ["SHAPES", "Programs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """All programs that run what they are given."""

    launchers: Sequence[Launcher] = key(
        ListOf(Shaped("launcher"), 0), "Programs that start the command in their words.", default=()
    )
    interpreters: Sequence[Interpreter] = key(
        ListOf(Shaped("interpreter"), 0), "Programs that run code of a language other than shell.", default=()
    )
    code_calls: Sequence[CodeCall] = key(
        ListOf(Shaped("code-call"), 0), "Calls in code that a person must confirm.", default=()
    )
    command_files: Sequence[CommandFile] = key(
        ListOf(Shaped("command-file"), 0), "Files that hold commands, and where they are in them.", default=()
    )
    workspaces: Mapping[str, tuple[str, ...]] = key(
        MapOf(Text(), PATHS),
        "Files in which a project says where its packages are, with the paths to their directories.",
        default=dict,
    )
    task_runners: Sequence[TaskRunner] = key(
        ListOf(Shaped("task-runner"), 0), "Programs that run the tasks of a file by name.", default=()
    )
    layers: tuple[Programs, ...] = field(default=())
    """If a team has its own table: the packaged one and theirs. A program in both is followed in both ways."""

    @property
    def all_layers(self) -> tuple[Programs, ...]:
        """The layers; without any, this table."""
        return self.layers or (self,)


SHAPES = (
    shape(Programs, "programs", "the programs", "Programs that run what they are given, and how to find what that is."),
)
"""The file of programs."""
