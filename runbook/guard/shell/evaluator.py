"""What each kind of node does: every way is taken that a real shell may take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from runbook.guard.shell import files
from runbook.guard.shell.call import Shell
from runbook.guard.shell.nodes import (
    Array,
    Assign,
    Case,
    Chain,
    Command,
    Declare,
    Define,
    If,
    Loop,
    Pipe,
    ProcessPipe,
    Redirect,
    Simple,
    Statement,
    Subshell,
    Test,
    TextPart,
)
from runbook.guard.shell.state import ANY_LIST, Lists, ShellState, Variable, scalar
from runbook.guard.shell.texts import (
    ANY,
    ANY_WORDS,
    MAYBE,
    NOTHING,
    UNKNOWN,
    Texts,
    concatenated,
    either,
    plain,
    quoted_words,
)
from runbook.guard.shell.words import Runner, expand_arithmetic, expand_text, expand_words

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Evaluator", "assign", "declare"]


# --- assignments and declarations ------------------------------------------------------------------------------------


_MOST_ELEMENTS = 64
_CHANGING = frozenset("inulc")
"""Attributes that change what is assigned later: integer, reference, cases."""


def assign(item: Assign, state: ShellState, runner: Runner) -> None:
    """Make one assignment."""
    before = state.variables.get(item.name)
    if isinstance(item.value, Array):
        lists = expand_words(item.value.elements, state, runner)
        keyed = item.value.keyed or (item.append and before is not None and before.keyed)
        state.assign(item.name, Variable(_grown(before, lists) if item.append else lists, keyed))
        return
    texts = expand_text(item.value, state, runner)
    if item.subscript is not None:
        state.assign(item.name, _with_element(before, expand_text(item.subscript, state, runner), texts))
    elif item.append:
        state.assign(item.name, scalar(concatenated(before.first() if before else UNKNOWN, texts)))
    else:
        state.assign(item.name, scalar(texts))


def _grown(before: Variable | None, lists: Lists) -> Lists:
    if before is None:
        return ANY_LIST
    grown = tuple((*left, *right) for left in before.lists for right in lists)
    return grown if len(grown) <= _MOST_ELEMENTS else ANY_LIST


def _with_element(before: Variable | None, subscript: Texts, texts: Texts) -> Variable:
    """Return an array with one element set; where it is not known which, with one more."""
    lists: Lists = before.lists if before else ((),)
    keyed = before.keyed if before else False
    if not keyed and len(subscript) == 1 and subscript[0].isdigit() and int(subscript[0]) < _MOST_ELEMENTS:
        at = int(subscript[0])
        return Variable(tuple(_put(items, at, text) for items in lists for text in texts))
    return Variable(tuple((*items, text) for items in lists for text in texts), keyed=True)


def _put(items: tuple[str, ...], at: int, text: str) -> tuple[str, ...]:
    padded = (*items, *("" for _ in range(at + 1 - len(items))))
    return (*padded[:at], text, *padded[at + 1 :])


def declare(command: Declare, state: ShellState, runner: Runner) -> list[str]:
    """Run `export`, `declare` and their kin: assign, and give attributes. Return the names that children now see."""
    options, names = "", []
    for item in command.assigns:
        assign(item, state, runner)
        names.append(item.name)
    for words in expand_words(command.words, state, runner):
        for word in map(plain, words):
            name, equals, value = word.partition("=")
            if word.startswith(("-", "+")):
                options += word[1:]
            elif re.fullmatch(r"\w+", name):
                names.append(name)
                if equals:
                    state.assign(name, scalar((value,)))
    if "i" in options:
        for name in names:
            runner.evaluate(state.variables[name].first() if name in state.variables else (), state)
    _give(command.keyword, options, names, state)
    return [name for name in names if name in state.environment]


def _give(keyword: str, options: str, names: Iterable[str], state: ShellState) -> None:
    for name in names:
        if set(options) & _CHANGING:
            state.odd.add(name)
            state.variables[name] = scalar((ANY,))
        if keyword == "export" and "f" in options:
            state.shared_functions.add(name)
        elif keyword == "export" or "x" in options:
            state.export(name)


# --- commands --------------------------------------------------------------------------------------------------------


_INPUTS = frozenset({"<", "<<", "<<-", "<<<", "<&", "<>"})
_MOST_TURNS = 16
_COMMANDS = frozenset(
    {"PROMPT_COMMAND", "EDITOR", "VISUAL", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "GIT_PAGER", "PAGER", "GIT_SSH_COMMAND"}
    | {"GIT_EXTERNAL_DIFF", "BROWSER", "MANPAGER", "LESSOPEN", "SUDO_ASKPASS", "SSH_ASKPASS"}
)
_STARTUP_FILES = frozenset({"BASH_ENV", "ENV"})


class Evaluator:
    """Runs nodes for a shell."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def chain(self, chain: Chain, state: ShellState) -> Texts:
        """Run statements one after another and return all that they may print."""
        return concatenated(*[self.statement(statement, state) for statement in chain.statements])

    def statement(self, statement: Statement, state: ShellState) -> Texts:
        """Run a command with its redirections and return what goes on to a pipe or a substitution."""
        self._shell.step()
        before = state.stdin
        outward: list[tuple[Redirect, Texts]] = []
        for redirect in statement.redirects:
            if redirect.operator in _INPUTS:
                state.stdin = self._input(redirect, state)
            else:
                outward.append((redirect, expand_text(redirect.word, state, self._shell)))
        output = self._command(statement.command, state)
        state.stdin = before
        for redirect, paths in outward:
            output = self._written(redirect, paths, output, state)
        return output

    def _input(self, redirect: Redirect, state: ShellState) -> Texts:
        if redirect.body is not None:
            return expand_text(redirect.body, state, self._shell)
        texts = expand_text(redirect.word, state, self._shell)
        if redirect.operator == "<<<":
            return concatenated(texts, ("\n",))
        if redirect.operator == "<&":
            return UNKNOWN
        return either(*(self._shell.contents(path, state) or UNKNOWN for path in texts))

    def _written(self, redirect: Redirect, paths: Texts, output: Texts, state: ShellState) -> Texts:
        """Send output to a file. What goes to another descriptor is still shown somewhere."""
        duplicates = redirect.operator == ">&" and paths[0].strip("-").isdigit()
        if duplicates:
            return output
        if redirect.descriptor not in {"", "1"}:
            for path in paths:
                files.write(path, UNKNOWN, state)
            return output
        for pipe in redirect.word:
            if isinstance(pipe, ProcessPipe):
                inner = state.copy()
                inner.stdin = output
                self.chain(pipe.body, inner)
        if any(path.startswith("/dev/") for path in paths):
            return output
        for path in paths:
            files.write(path, output, state, append=">>" in redirect.operator)
        return NOTHING

    def _command(self, command: Command, state: ShellState) -> Texts:  # noqa: C901, PLR0911 - one case per kind of node
        match command:
            case Simple():
                return self._simple(command, state)
            case Chain():
                return self.chain(command, state)
            case If():
                return self._if(command, state)
            case Pipe():
                return self._pipe(command, state)
            case Subshell():
                return self._subshell(command, state)
            case Loop():
                return self._loop(command, state)
            case Case():
                return self._case(command, state)
            case Define():
                state.functions[command.name] = (command.body,)
            case Declare():
                for name in declare(command, state, self._shell):
                    self._run_setting(name, state)
            case Test():
                self._test(command, state)
        return NOTHING

    def _simple(self, command: Simple, state: ShellState) -> Texts:
        if not command.words:
            for item in command.assigns:
                assign(item, state, self._shell)
            return NOTHING
        lists = expand_words(command.words, state, self._shell)
        self._shell.stand_at(command.line, command.column)
        with self._environment(command, state):
            alias = _alias_of(command, state)
            if alias is None:
                return either(*(output for words in lists for output in self._invoked(words, state)))
            # Whether aliases are expanded depends on the shell: both ways are taken.
            outputs = [self._aliased(alias, words, state) for words in lists]
            with self._shell.guessing():
                outputs += [output for words in lists for output in self._invoked(words, state)]
        return either(*outputs)

    def _invoked(self, words: tuple[str, ...], state: ShellState) -> Iterator[Texts]:
        yield self._shell.invoke(words, state)
        if len(words) > 1 and words[0] == ANY_WORDS:
            # An unquoted expansion may also vanish; then the next word is the program.
            yield self._shell.invoke((MAYBE + words[1], *words[2:]), state)

    def _aliased(self, name: str, words: tuple[str, ...], state: ShellState) -> Texts:
        inner = state.copy()
        text = inner.aliases.pop(name)
        return self._shell.text(f"{text} {quoted_words(words[1:])}", inner)

    @contextmanager
    def _environment(self, command: Simple, state: ShellState) -> Iterator[None]:
        """Let `NAME=value` before a command hold for that command alone."""
        variables, environment = dict(state.variables), dict(state.environment)
        for item in command.assigns:
            assign(item, state, self._shell)
            state.export(item.name)
            self._run_setting(item.name, state)
        yield
        for item in command.assigns:
            _put_back(state.variables, variables, item.name)
            _put_back(state.environment, environment, item.name)

    def _run_setting(self, name: str, state: ShellState) -> None:
        """Run a variable that is a command of the next program, or a file that a shell reads first."""
        text = state.environment[name]
        if name in _COMMANDS:
            self._shell.guess(text, state)
        elif name in _STARTUP_FILES:
            for content in self._shell.contents(text, state) or ():
                self._shell.guess(content, state)

    def _subshell(self, command: Subshell, state: ShellState) -> Texts:
        inner = state.copy()
        output = self.chain(command.body, inner)
        for trap in inner.traps:
            self._shell.text(trap, inner.copy())
        return output

    def _pipe(self, command: Pipe, state: ShellState) -> Texts:
        output = self.statement(command.left, state.copy())
        right = state.copy()
        right.stdin = output
        result = self.statement(command.right, right)
        state.join(right)  # some shells run the last part of a pipe themselves
        return result

    def _if(self, command: If, state: ShellState) -> Texts:
        asked = self.chain(command.condition, state)
        other = state.copy()
        output = self.chain(command.then, state)
        otherwise = self.chain(command.otherwise, other)
        state.join(other)
        return concatenated(asked, either(output, otherwise))

    def _loop(self, command: Loop, state: ShellState) -> Texts:
        if not command.name:
            return self._turns(command, state)
        lists = state.arguments if command.words is None else expand_words(command.words, state, self._shell)
        words = tuple(dict.fromkeys(word for items in lists for word in items))
        unclear = any(ANY_WORDS in word for word in words)
        if len(lists) > 1 or len(words) > _MOST_TURNS or unclear:
            state.assign(command.name, scalar(UNKNOWN if unclear else either(words)))
            return self._turns(command, state)
        outputs: list[Texts] = []
        for word in words:
            state.assign(command.name, scalar((word,)))
            outputs.append(self._turn(command, state))
        return concatenated(*outputs)

    def _turn(self, command: Loop, state: ShellState) -> Texts:
        """Run a loop's body once; it may also be left early."""
        before = state.copy()
        output = concatenated(self.chain(command.condition, state), self.chain(command.body, state))
        state.join(before)
        return output

    def _turns(self, command: Loop, state: ShellState) -> Texts:
        """Run a loop until its variables hold nothing new; those that never settle become unknown."""
        outputs: list[Texts] = []
        for turn in range(4):
            before = dict(state.variables)
            outputs.append(self._turn(command, state))
            changed = [name for name, value in state.variables.items() if before.get(name) != value]
            if not changed:
                break
            if turn == 2:
                for name in changed:
                    state.assign(name, scalar(UNKNOWN))
        return either(*outputs, concatenated(*outputs))

    def _case(self, command: Case, state: ShellState) -> Texts:
        for word in (command.word, *command.patterns):
            expand_text(word, state, self._shell)
        ways = [state.copy() for _ in command.arms]
        outputs = [self.chain(arm, way) for arm, way in zip(command.arms, ways, strict=True)]
        for way in ways:
            state.join(way)
        return either(NOTHING, *outputs)

    def _test(self, command: Test, state: ShellState) -> None:
        for word in command.words:
            expand_arithmetic(word, state, self._shell)
        for name in command.sets:
            state.assign(name, scalar(UNKNOWN))


def _alias_of(command: Simple, state: ShellState) -> str | None:
    first = command.words[0]
    if len(first) == 1 and isinstance(first[0], TextPart) and not first[0].quoted and first[0].value in state.aliases:
        return first[0].value
    return None


def _put_back(now: dict[str, Any], before: dict[str, Any], name: str) -> None:
    if name in before:
        now[name] = before[name]
    else:
        now.pop(name, None)
