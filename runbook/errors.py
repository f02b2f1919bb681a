"""What can go wrong, as data: exceptions carry facts, and `runbook.cli` turns them into text and an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from runbook.printable import counted, one_line, printable

__all__ = [
    "BookError",
    "ExitCode",
    "Finding",
    "JournalError",
    "JournalUnreachableError",
    "MissingPartError",
    "NoTerminalError",
    "PolicyRefusal",
    "ProgramChangedError",
    "RunTakenOverError",
    "RunbookError",
    "TargetHeldError",
    "Terminated",
    "UsageError",
]


_SHOWN = 200
"""How many characters of a line to show with a finding: enough for any line that a person wrote."""


class ExitCode(IntEnum):
    """The contract with scripts; see `docs/reference/exit-codes.md`."""

    DONE = 0
    NOT_COMPLETED = 1
    USAGE = 2
    REFUSED = 3
    NO_TERMINAL = 4
    TARGET_HELD = 5
    NEEDS_PERSON = 6
    BUG = 70
    INTERRUPTED = 130


class RunbookError(Exception):
    """An expected failure: what happened, and in `hint` what to do next."""

    exit_code = ExitCode.NOT_COMPLETED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(RunbookError):
    """The command line, a parameter's value or the environment is unusable."""

    exit_code = ExitCode.USAGE


class PolicyRefusal(RunbookError):
    """Policy refuses this command on this target; no flag changes that."""

    exit_code = ExitCode.REFUSED


class NoTerminalError(RunbookError):
    """A person must confirm, but there is no terminal to ask at."""

    exit_code = ExitCode.NO_TERMINAL


class TargetHeldError(RunbookError):
    """Another run holds the target."""

    exit_code = ExitCode.TARGET_HELD


class RunTakenOverError(TargetHeldError):
    """Somebody else continues this very run, so its record is theirs to write."""


class JournalError(RunbookError):
    """The journal can't be written or read; nothing may run without it."""


class JournalUnreachableError(JournalError):
    """The shared journal doesn't answer. What it doesn't know of must not begin; it may answer in a moment."""


class MissingPartError(RunbookError):
    """An optional part or a tool isn't installed; `hint` is the command that adds it."""


class Terminated(BaseException):
    """A signal told this process to end; the text says which. Like KeyboardInterrupt, it passes `except Exception`."""


class ProgramChangedError(RunbookError):
    """A program has changed since it was looked up, and wasn't started."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One problem at one place of one file. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    message: str
    source: str = ""
    width: int = 1

    def __str__(self) -> str:
        """Render as `file:line:column: message`, with the source line and a caret below if the line is known."""
        head = f"{one_line(self.file)}:{self.line}:{self.column}: {printable(self.message)}"
        if not self.source.strip():
            return head
        gutter = f"{self.line:>5} | "
        start = max(0, self.column - 1 - _SHOWN // 2) if len(self.source) > _SHOWN else 0
        shown = self.source[start : start + _SHOWN]
        offset = self.column - 1 - start
        # A hidden character is shown as its number, so the caret's position and width follow the text as shown.
        before, marked = printable(shown[:offset]), printable(shown[offset : offset + self.width])
        caret = " " * (len(gutter) + len(before)) + "^" * max(1, len(marked))
        return f"{head}\n{gutter}{printable(shown)}\n{caret}"


class BookError(RunbookError):
    """The book can't be used; `findings` holds every problem of every file, sorted. `instead` is what else to use."""

    exit_code = ExitCode.USAGE

    def __init__(self, findings: Sequence[Finding], *, instead: str = "") -> None:
        self.findings = tuple(sorted(findings))
        count = counted(len(self.findings), "problem")
        super().__init__(
            "\n".join(str(finding) for finding in self.findings),
            hint=f"{count} in the book; `runbook check` shows them again.{instead}",
        )
