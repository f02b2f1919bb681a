"""Start what a launcher starts: the command in its words, a shell line in a flag, or one hidden in its own language.

The table of launchers is in programs.yaml; nothing here knows a program by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from runbook.guard.programs.dangerous_code import look_for_commands
from runbook.guard.programs.shells import feed, run_text
from runbook.guard.shell.call import Call
from runbook.guard.shell.shell_state import ShellState, scalar
from runbook.guard.shell.texts import ANY_WORDS, NOTHING, UNKNOWN, Texts, either, is_known, plain
from runbook.linear_regex import linear_regex

if TYPE_CHECKING:
    from runbook.model.launchers import Launcher

__all__ = ["read_variables", "run_launcher"]


def run_launcher(call: Call, launcher: Launcher) -> Texts | None:
    """Start what a launcher starts. Return None if its words start nothing."""
    words = list(call.words[1:])
    started = _Flags(call, launcher, child=bool(launcher.env_files or launcher.sets_variables))
    started.take(words)
    if launcher.after and not _take_subcommand(words, launcher):
        return None
    outputs = [_run_hidden(call, launcher)]
    _find_command(words, launcher, started)
    inner = call._replace(state=started.state)
    outputs += [run_text(inner, text) for text in started.texts]
    if launcher.sets_variables:
        _take_variables(words, started.state)
    if words[:1] == ["--"]:
        words.pop(0)
    if not words:
        # The input of a user's shell runs there.
        return feed(inner) if launcher.reads_input and not started.texts else either(UNKNOWN, *outputs)
    if launcher.lines_in or launcher.code_in:
        return either(UNKNOWN, *outputs)
    ran = run_text(inner, " ".join(words)) if launcher.is_line else inner.start(tuple(words))
    return either(ran, *outputs)


def read_variables(call: Call, path: str, state: ShellState) -> None:
    """Put the NAME=value lines of a file into the environment of a state."""
    for text in call.shell.contents(path, call.state) or ():
        for name, value in _variables_in(text):
            state.variables[name] = scalar((value,))
            state.export(name)


class _Flags:
    """Takes a launcher's flags, and keeps the shell lines in them and the environment that they set."""

    def __init__(self, call: Call, launcher: Launcher, *, child: bool) -> None:
        self._call = call
        self._launcher = launcher
        self.texts: list[str] = []
        self.state = call.state.child() if child else call.state
        if child:
            self.state.functions, self.state.aliases = {}, {}  # another program doesn't have the shell's own

    def take(self, words: list[str]) -> bool:
        """Remove the flags at the front. Return whether `--` ended them."""
        while words and plain(words[0]).startswith("-") and words[0] != ANY_WORDS:
            word = plain(words.pop(0))
            if word == "--":
                return True
            name, equals, value = word.partition("=")
            launcher = self._launcher
            takes = name in launcher.value_flags or name in launcher.env_files or name in launcher.text_flags
            if takes and not equals and words:
                value = words.pop(0)
            if name in launcher.text_flags:
                self.texts.append(value)
            elif name in launcher.env_files:
                read_variables(self._call, value, self.state)
        return False


def _take_subcommand(words: list[str], launcher: Launcher) -> bool:
    """Remove the words of the subcommand after which a command comes. Return False if it's another one."""
    for phrase in sorted(launcher.after, key=len, reverse=True):
        parts = phrase.split()
        if [plain(word) for word in words[: len(parts)]] == parts:
            del words[: len(parts)]
            return True
    return False


def _find_command(words: list[str], launcher: Launcher, flags: _Flags) -> None:
    """Remove everything before the command: flags, and the words that a launcher takes for itself."""
    if launcher.needs_dashes:
        while words and words[0] != "--":
            flags.take(words)
            if words and words[0] != "--":
                words.pop(0)
        return
    ended = flags.take(words)
    for _ in range(launcher.skips):
        if words and not ended and words[0] != "--":
            words.pop(0)
            ended = flags.take(words)


def _take_variables(words: list[str], state: ShellState) -> None:
    while words and re.match(r"[A-Za-z_]\w*=", plain(words[0])):
        name, _, value = plain(words.pop(0)).partition("=")
        state.variables[name] = scalar((value,))
        state.export(name)


def _run_hidden(call: Call, launcher: Launcher) -> Texts:
    """Run the shell lines that a program finds in its words or its input, written in a language of its own."""
    if not launcher.lines_in and not launcher.code_in:
        return NOTHING
    for text in (*call.arguments, *(call.state.stdin or ())):
        # Most words name no dangerous program, and compiling expressions takes time.
        if not any(program in text for program in call.shell.outline.risky):
            continue
        for line in _found(launcher.lines_in, text):
            call.shell.guess(line, call.state)
        for code in _found(launcher.code_in, text):
            look_for_commands(call, code, is_shell=True)
    return UNKNOWN


def _found(patterns: tuple[str, ...], text: str) -> Iterator[str]:
    for pattern in patterns:
        yield from (match.group for match in linear_regex(pattern).find_all(text) if match.group)


_VARIABLE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=[ \t]*(.*)$", re.MULTILINE)


def _variables_in(text: str) -> Iterator[tuple[str, str]]:
    if not is_known(text):
        return
    for name, value in _VARIABLE.findall(text):
        bare = value.strip()
        quoted = re.match(r"(['\"])(.*?)\1", bare)
        yield name, quoted[2] if quoted else re.sub(r"\s#.*", "", bare)
