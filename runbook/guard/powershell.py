"""Read PowerShell as far as a guard must: the commands in it, with `…` for what can't be known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from runbook.guard.shell.texts import ANY

__all__ = ["commands_in", "unread_texts"]

_HERE_STRING = re.compile(r"@(['\"])[ \t]*\r?\n(.*?)\r?\n\1@", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:\{[^}]*\}|\w+:\w+|\w+|[?^$])|@\w+")
_REDIRECTION = re.compile(r"[\d*]?>{1,2}(?:&\d)?|<")
_ENDS = frozenset(";|&\n\r(){}")
_DEEPEST = 8
_LEADS = frozenset({"return", "throw", "else", "try", "finally", "do", "begin", "process", "end"})
"""Words that come before a command without being one."""
_CALLS = frozenset({"&", "."})
"""Before a value, they run it as a command. Without one of them, a value at the beginning is only an expression."""
_EVALUATES = frozenset({"iex", "invoke-expression"})
_STARTS = frozenset({"start-process", "saps", "start", "start-job", "invoke-command", "icm"})
_PASSES_ON = frozenset({"wsl", "sudo", "gsudo"})
_UNREAD = _EVALUATES | {"cmd", "sh", "bash", "pwsh", "powershell", "invoke-command", "icm", "start-job"}
_PRINTS = frozenset(
    {"write-host", "write-output", "write-verbose", "write-warning", "write-error", "echo", "git", "select-string"}
    | {"sls", "findstr", "grep", "rg"}
)


def commands_in(text: str, *, depth: int = 0) -> Iterator[tuple[str, ...]]:
    """Yield each command in a text, whether it would run or not, as the program and its words.

    A value that stands where a command could is yielded with "" instead of a program.
    """
    if depth > _DEEPEST:
        return
    reader = _Reader(text)
    for words in reader.commands():
        yield from _started(words, depth)
    for inner in reader.inner:
        yield from commands_in(inner, depth=depth + 1)


def unread_texts(text: str) -> list[str]:
    """Return the parts of a text that may run as commands although they aren't read as such, such as a string.

    What is only printed or searched for isn't among them, unless something in the text may run whatever it's given.
    """
    commands = list(commands_in(text))
    if any(_name(words[0]) in _UNREAD or ANY in words[0] for words in commands):
        return [text]
    return [" ".join(words).strip() for words in commands if _name(words[0]) not in _PRINTS]


def _started(words: tuple[str, ...], depth: int) -> Iterator[tuple[str, ...]]:
    """Yield a command, and what it starts if that can be read."""
    yield words
    name, rest = _name(words[0]), words[1:]
    if name in _EVALUATES:
        for word in rest:
            yield from commands_in(word, depth=depth + 1)
    elif name in _STARTS:
        plain = [word for word in rest if not re.match(r"-[A-Za-z]", word)]
        yield tuple(part for word in plain for part in (word.split() or [word]))
    elif name == "cmd" and rest[1:] and rest[0].lower() in {"/c", "/k"}:
        yield tuple(part for word in rest[1:] for part in word.split())
    elif name in _PASSES_ON and rest:
        yield rest


def _name(word: str) -> str:
    return word.replace("\\", "/").rsplit("/", 1)[-1].lower().removesuffix(".exe").removesuffix(".cmd")


@dataclass(slots=True)
class _Reader:
    """Splits a text into commands. `inner` are the texts of `$(…)` in strings, which run too."""

    text: str
    inner: list[str] = field(default_factory=list)
    at: int = 0

    def commands(self) -> Iterator[tuple[str, ...]]:
        """Yield the words of each command."""
        words: list[str] = []
        skips = starts_with_text = False
        while self.at < len(self.text):
            letter = self.text[self.at]
            if letter in _ENDS and not (letter == "&" and not words):
                self.at += 1
                if command := _command(words, is_value=starts_with_text):
                    yield command
                words = []
            elif letter == "&":
                words.append(letter)
                self.at += 1
            elif self._skips_blank():
                continue
            elif found := _REDIRECTION.match(self.text, self.at):
                self.at = found.end()
                skips = "&" not in found[0]
            elif skips:
                self._word()
                skips = False
            else:
                # After an assignment and after words that lead to a command, it's the next word that counts.
                if not _command(words, is_value=False):
                    starts_with_text = letter in "'\"@$"
                words.append(self._word())
        if command := _command(words, is_value=starts_with_text):
            yield command

    def _skips_blank(self) -> bool:
        """Step over what is between words: a blank, the comma of a list, a line that goes on, a comment."""
        letter = self.text[self.at]
        if letter.isspace() or letter == ",":
            self.at += 1
        elif self.text.startswith(("`\n", "`\r"), self.at):
            self.at += 2
        elif letter == "#" or self.text.startswith("<#", self.at):
            end = self.text.find("#>" if letter == "<" else "\n", self.at)
            self.at = len(self.text) if end < 0 else end + (2 if letter == "<" else 0)
        else:
            return False
        return True

    def _word(self) -> str:
        parts: list[str] = []
        while self.at < len(self.text):
            letter = self.text[self.at]
            if letter.isspace() or letter in _ENDS or letter == ",":
                break
            if here := _HERE_STRING.match(self.text, self.at):
                parts.append(self._expanded(here[2]) if here[1] == '"' else here[2])
                self.at = here.end()
            elif letter == "'":
                parts.append(self._literal())
            elif letter == '"':
                parts.append(self._expanded(self._quoted()))
            elif letter == "`" and self.at + 1 < len(self.text):
                parts.append(self.text[self.at + 1])
                self.at += 2
            elif found := _VARIABLE.match(self.text, self.at):
                parts.append(ANY)
                self.at = found.end()
            elif letter in "$@":
                # `$(…)`, `@(…)` and `@{…}`: the bracket ends the word, and what is in it is read as commands.
                parts.append(ANY)
                self.at += 1
            else:
                parts.append(letter)
                self.at += 1
        return "".join(parts)

    def _literal(self) -> str:
        found = re.compile(r"'((?:[^']|'')*)'?").match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return found[1].replace("''", "'")

    def _quoted(self) -> str:
        """Return what is between double quotes, as it is written. Quotes inside `$(…)` don't end it."""
        start, depth = self.at + 1, 0
        self.at = start
        while self.at < len(self.text):
            letter = self.text[self.at]
            if letter == "`":
                self.at += 1
            elif self.text.startswith("$(", self.at):
                depth += 1
                self.at += 1
            elif letter == "(" and depth:
                depth += 1
            elif letter == ")" and depth:
                depth -= 1
            elif letter == '"' and not depth:
                if not self.text.startswith('""', self.at):
                    break
                self.at += 1
            self.at += 1
        written = self.text[start : self.at]
        self.at += 1
        return written

    def _expanded(self, written: str) -> str:
        """Return a text with `…` for what is inserted, and note the commands in it."""
        parts: list[str] = []
        at = 0
        while at < len(written):
            if written.startswith("$(", at):
                end = _end_of_brackets(written, at + 1)
                self.inner.append(written[at + 2 : end - 1])
                parts.append(ANY)
                at = end
            elif found := _VARIABLE.match(written, at) if written[at] == "$" else None:
                parts.append(ANY)
                at = found.end()
            elif written[at] == "`" and at + 1 < len(written):
                parts.append({"n": "\n", "t": "\t", "r": "\r"}.get(written[at + 1], written[at + 1]))
                at += 2
            elif written.startswith('""', at):
                parts.append('"')
                at += 2
            else:
                parts.append(written[at])
                at += 1
        return "".join(parts)


def _end_of_brackets(text: str, at: int) -> int:
    depth = 0
    for end in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        if not depth:
            return end + 1
    return len(text)


def _command(words: list[str], *, is_value: bool) -> tuple[str, ...]:
    """Return the words of a command without an assignment and the words that may come before it.

    `is_value`: it begins with a text or a variable, which only runs if an operator calls it.
    """
    rest = list(words)
    is_called = False
    while rest:
        if len(rest) > 1 and rest[1] in {"=", "+="}:
            rest = rest[2:]
        elif rest[0].lower() in _LEADS | _CALLS:
            is_called = is_called or rest[0] in _CALLS
            rest = rest[1:]
        else:
            break
    return ("", *rest) if rest and is_value and not is_called else tuple(rest)
