"""Read a task runner's words: which tasks of which file it is asked for."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from runbook.guard.shell.call import Call
from runbook.guard.shell.shell_state import ShellState
from runbook.guard.shell.texts import is_known, plain, quoted_words
from runbook.model.command_files import TaskRunner

__all__ = ["Asked", "joined_path", "read_words"]


@dataclass
class Asked:
    """What a task runner is asked for: tasks, and the words after them."""

    state: ShellState
    tasks: list[str] = field(default_factory=list)
    words: tuple[str, ...] = ()
    files: list[str] = field(default_factory=list)
    given: dict[str, str] = field(default_factory=dict)
    is_dry: bool = False
    everywhere: bool = False
    """The tasks of all packages of the project run, not only those of the nearest file."""


def joined_path(directory: str | None, path: str) -> str | None:
    """Return a path from a directory, None if that isn't known."""
    if not is_known(path):
        return None
    if path.startswith("/"):
        return path
    return os.path.normpath(f"{directory}/{path}") if directory is not None else None


def read_words(call: Call, runner: TaskRunner) -> Asked | None:
    """Return what the words ask for, or None if they don't ask for a task."""
    asked = Asked(call.state.child(), everywhere=True)
    rest = _Flags(call, runner, asked)
    words = rest.take_until_word()
    taken = _after(runner, [plain(word) for word in words])
    if taken is None:
        return None
    first = plain(words[0]) if words else ""
    if not taken and first in runner.own:
        return None
    words = _Flags(call._replace(words=("", *words[taken:])), runner, asked).take_all(
        first_only=runner.takes == "first"
    )
    if runner.takes == "file" and words:
        asked.files = [*asked.files, plain(words[0])]
    elif runner.takes == "first":
        *others, words = _split_at(words, _NEXT_TASK)
        asked.tasks += [plain(each[0]) for each in (*others, words) if each]
        asked.words = words[2:] if plain("".join(words[1:2])) == "--" else words[1:]
    elif runner.takes == "all":
        asked.tasks += [plain(word) for word in words]
    return asked


_NEXT_TASK = ":::"
"""Between two tasks with words of their own, as mise has it."""


def _split_at(words: tuple[str, ...], mark: str) -> list[tuple[str, ...]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if plain(word) == mark:
            parts.append([])
        else:
            parts[-1].append(word)
    return [tuple(part) for part in parts]


def _after(runner: TaskRunner, words: Sequence[str]) -> int | None:
    """Return how many words the subcommand has that comes before a task, None if no task follows."""
    phrases = [phrase.split() for phrase in runner.after]
    for phrase in phrases:
        if list(words[: len(phrase)]) == phrase:
            return len(phrase)
    return 0 if not phrases or runner.is_after_optional else None


class _Flags:
    """Takes the flags out of a runner's words, and notes what they say."""

    def __init__(self, call: Call, runner: TaskRunner, asked: Asked) -> None:
        self._words = list(call.words[1:])
        self._runner = runner
        self._asked = asked
        self._values = {*runner.file_flags, *runner.directory_flags, *runner.task_flags, *runner.value_flags}

    def take_until_word(self) -> tuple[str, ...]:
        """Take the flags before the first word that isn't one. Return that word and all after it."""
        while self._words and self._is_flag(self._words[0]) and plain(self._words[0]) != "--":
            self._take(plain(self._words.pop(0)))
        return tuple(self._words)

    def take_all(self, *, first_only: bool) -> tuple[str, ...]:
        """Take all flags. Return the other words; with `first_only`, all words after the first one are its own."""
        found: list[str] = []
        while self._words:
            word = self._words.pop(0)
            text = plain(word)
            if text == "--":
                # `task NAME -- WORDS`: the words are a value of the file.
                self._asked.given["CLI_ARGS"] = quoted_words(self._words)
                if first_only:
                    found += ["--", *self._words] if found else self._words
                elif not self._runner.words_after_dashes:
                    found += self._words
                break
            if self._is_flag(word) and not (found and self._runner.flags_first):
                self._take(text)
            elif self._runner.takes == "all" and (
                given := re.fullmatch(r"([A-Za-z_][\w.-]*)[:?+]?=(.*)", text, re.DOTALL)
            ):
                self._asked.given[given[1]] = given[2]
            else:
                found.append(word)
                if first_only:
                    return (*found, *self._words)
        return tuple(found)

    @staticmethod
    def _is_flag(word: str) -> bool:
        return plain(word).startswith("-") and len(plain(word)) > 1

    def _take(self, word: str) -> None:
        name, equals, value = word.partition("=")
        if name in self._runner.dry_flags:
            self._asked.is_dry = True
        elif name in self._runner.variable_flags:
            variable = value if equals else self._next()
            self._asked.given[variable] = self._next()
        elif name in self._values:
            self._note(name, value if equals else self._next())
        elif not word.startswith("--"):
            self._take_letters(word)

    def _take_letters(self, word: str) -> None:
        """Take flags of one letter in one word. The rest of the word is the value of the first that takes one."""
        for at, letter in enumerate(word[1:], start=1):
            flag = f"-{letter}"
            if flag in self._runner.dry_flags:
                self._asked.is_dry = True
            elif flag in self._values:
                self._note(flag, word[at + 1 :].removeprefix("=") or self._next())
                return

    def _next(self) -> str:
        return plain(self._words.pop(0)) if self._words else ""

    def _note(self, flag: str, value: str) -> None:
        if flag in self._runner.file_flags:
            self._asked.files.append(value)
        elif flag in self._runner.task_flags:
            self._asked.tasks += [each for each in value.split(",") if each]
        elif flag in self._runner.directory_flags:
            self._asked.state.directory = joined_path(self._asked.state.directory, value)
