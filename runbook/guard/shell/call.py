"""One command about to start, and what it can ask of the shell that starts it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import NamedTuple, Protocol

from runbook.guard.shell.nodes import Chain, ProcessPipe
from runbook.guard.shell.state import ShellState
from runbook.guard.shell.texts import Texts, plain

__all__ = ["Call", "Doubt", "Examiner", "Shell", "TooMuchError"]


class TooMuchError(Exception):
    """The text asks for more work than a line that a person types can need."""


class Doubt(StrEnum):
    """Why a person must look. The value is what the person reads."""

    UNREADABLE = "It can't be read as a shell line, so what it would do is not known"
    NO_GRAMMAR = "The shell grammar is missing, so no line can be read"
    TOO_MUCH = "It is too long, too deep or too tangled to follow"
    UNKNOWN_PROGRAM = "Which program it starts can't be told, and it may be one that destroys"
    UNKNOWN_SCRIPT = "It runs a script that can't be seen from here"
    NAMED_RESET = "Its name says that it resets a database, and what it runs can't be seen from here"
    WRAPPED = "It hands a dangerous command to a program that may run it"
    OTHER_LANGUAGE = "It runs code of another language that starts a dangerous command"


class Examiner(Protocol):
    """Knows the policy."""

    @property
    def programs(self) -> frozenset[str]:
        """The programs that the policy has rules for."""

    @property
    def risky(self) -> frozenset[str]:
        """Those of them that some rule refuses: a text that names none of them is hardly dangerous."""

    @property
    def commanded(self) -> frozenset[str]:
        """Those of them that a subcommand or SQL makes dangerous, so that their words give them away."""

    def is_restricted(self, words: Sequence[str]) -> bool:
        """Whether a rule of the policy does more than allow these words."""

    def command(self, call: Call, *, major: int | None) -> None:
        """Judge a command of one of those programs. `major` is the Supabase CLI's, where it is known."""

    def doubt(self, doubt: Doubt, subject: str) -> None:
        """Take note that a person must look."""

    def stand_at(self, line: int, column: int) -> None:
        """Take note of where in the text the next command stands. Lines and columns count from 1."""


class Shell(Protocol):
    """What nodes, words and commands can have done."""

    def invoke(self, words: tuple[str, ...], state: ShellState) -> Texts:
        """Start words as the shell itself would: functions first. Return what they may print."""

    def start(self, words: tuple[str, ...], state: ShellState) -> Texts:
        """Start words as another program would: no functions, no aliases."""

    def text(self, text: str, state: ShellState) -> Texts:
        """Read a text as shell and run it in this state. What does not parse is a doubt, no error."""

    def output(self, body: Chain, state: ShellState) -> Texts:
        """Run a command substitution and return what it may print."""

    def path_to(self, pipe: ProcessPipe, state: ShellState) -> str:
        """Run a process substitution and return the path that it is known by."""

    def contents(self, path: str, state: ShellState) -> Texts | None:
        """Return what a file may hold, None where that can't be told."""

    def guess(self, text: str, state: ShellState) -> None:
        """Read a text that may be shell or any other language; what does not parse is no doubt."""

    def evaluate(self, texts: Texts, state: ShellState) -> None:
        """Run what texts substitute that a shell expands once more: subscripts, and variables in arithmetic."""

    def is_written(self, path: str, state: ShellState) -> bool:
        """Whether this text itself writes that file."""

    def scan_prefix(self, text: str, state: ShellState) -> Texts:
        """Run the beginning of a text that is hardly dangerous; what can't be told in it is no doubt."""

    def doubt(self, doubt: Doubt, subject: str) -> None:
        """Say that a person must look, and the text that it is about."""

    def perhaps(self) -> AbstractContextManager[None]:
        """Within this, what is found is only one reading of the line."""

    def guessing(self) -> AbstractContextManager[None]:
        """Within this, what is not known of a program is no doubt: it may not be a program at all."""

    @property
    def is_sure(self) -> bool:
        """Whether what runs now is more than one reading of the line."""

    @property
    def is_guessing(self) -> bool:
        """Whether what runs now may be no program at all."""

    @property
    def examiner(self) -> Examiner:
        """Whoever judges the commands."""

    def step(self) -> None:
        """Count a piece of work. Raises TooMuchError when there were too many."""

    def stand_at(self, line: int, column: int) -> None:
        """Take note of where in the outermost text the next command stands."""


class Call(NamedTuple):
    """A command's words (the first is the program as written) in a state."""

    words: tuple[str, ...]
    state: ShellState
    shell: Shell

    @property
    def name(self) -> str:
        """The program as written, as it may be read."""
        return plain(self.words[0])

    @property
    def arguments(self) -> tuple[str, ...]:
        """The words behind the program, as they may be read."""
        return tuple(plain(word) for word in self.words[1:])

    def start(self, words: tuple[str, ...]) -> Texts:
        """Start other words in the same state, as another program would."""
        return self.shell.start(words, self.state)

    def with_words(self, *words: str) -> Call:
        """Return the same call with other words."""
        return Call(words, self.state, self.shell)

    def doubt(self, doubt: Doubt) -> None:
        """Say that a person must look at this command."""
        self.shell.doubt(doubt, " ".join(self.words))

    def child_text(self, text: str) -> Texts:
        """Read a text in a new shell that sees only what is exported."""
        return self.shell.text(text, self.state.child())
