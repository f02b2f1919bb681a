"""Represent a command that is about to start, and what it can ask of the shell that starts it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from runbook.guard.shell.shell_state import ShellState
from runbook.guard.shell.texts import Texts, plain

if TYPE_CHECKING:
    from runbook.guard.outline import Outline
    from runbook.guard.shell.shell_machine import Machine

__all__ = ["Call", "Doubt", "Examiner", "TooMuchError"]


class TooMuchError(Exception):
    """The text needs more work than any line that a person types."""


class Doubt(StrEnum):
    """Why a person must confirm. The value is what the person reads.

    Without the grammar, the guard doesn't work: the line is refused, because a person can add the grammar instead.
    """

    UNREADABLE = "It can't be read as a shell line, so what it would do is not known"
    NO_GRAMMAR = "The guard can't read this line without shfmt"
    TOO_MUCH = "It is too long, too deep or too tangled to follow"
    UNKNOWN_PROGRAM = "Which program it starts can't be told, and it may be one that destroys"
    UNKNOWN_SCRIPT = "It runs a script that can't be seen from here"
    NAMED_RESET = "Its name says that it resets a database, and what it runs can't be seen from here"
    WRAPPED = "It hands a dangerous command to a program that may run it"
    OTHER_LANGUAGE = "It runs code of another language that starts a dangerous command"
    CALL_IN_CODE = "It runs code with a call that destroys"
    SQL_IN_CODE = "It runs code with SQL that destroys, on a database that can't be told from here"


class Examiner(Protocol):
    """Judges commands by a policy."""

    @property
    def outline(self) -> Outline:
        """What the policy says, whatever the command."""

    def command(self, call: Call, *, major: int | None) -> None:
        """Judge a command of one of those programs. `major` is the Supabase CLI's, if known."""

    def doubt(self, doubt: Doubt, subject: str) -> None:
        """Note that a person must confirm."""

    def stand_at(self, line: int, column: int) -> None:
        """Note the place of the next command in the text. Lines and columns count from 1."""


class Call(NamedTuple):
    """A command's words (the first is the program as written) in a state."""

    words: tuple[str, ...]
    state: ShellState
    shell: Machine

    @property
    def name(self) -> str:
        """The program as written, as it may be read."""
        return plain(self.words[0])

    @property
    def arguments(self) -> tuple[str, ...]:
        """The words after the program, as they may be read."""
        return tuple(plain(word) for word in self.words[1:])

    def start(self, words: tuple[str, ...]) -> Texts:
        """Start other words in the same state, as another program would."""
        return self.shell.start(words, self.state)

    def with_words(self, *words: str) -> Call:
        """Return the same call with other words."""
        return Call(words, self.state, self.shell)

    def doubt(self, doubt: Doubt) -> None:
        """Note that a person must confirm this command."""
        self.shell.doubt(doubt, " ".join(self.words))
