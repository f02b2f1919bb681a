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
    Text,
)
from runbook.guard.shell.state import ANY_LIST, Lists, Scope, Variable, scalar
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

__all__ = ["Walker", "assign", "declare"]


# --- assignments and declarations ------------------------------------------------------------------------------------


_MOST_ELEMENTS = 64
_CHANGING = frozenset("inulc")
"""Attributes that change what is assigned later: integer, reference, cases."""


def assign(item: Assign, scope: Scope, runner: Runner) -> None:
    """Make one assignment."""
    before = scope.variables.get(item.name)
    if isinstance(item.value, Array):
        lists = expand_words(item.value.elements, scope, runner)
        keyed = item.value.keyed or (item.append and before is not None and before.keyed)
        scope.assign(item.name, Variable(_grown(before, lists) if item.append else lists, keyed))
        return
    texts = expand_text(item.value, scope, runner)
    if item.subscript is not None:
        scope.assign(item.name, _with_element(before, expand_text(item.subscript, scope, runner), texts))
    elif item.append:
        scope.assign(item.name, scalar(concatenated(before.first() if before else UNKNOWN, texts)))
    else:
        scope.assign(item.name, scalar(texts))


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


def declare(command: Declare, scope: Scope, runner: Runner) -> list[str]:
    """Run `export`, `declare` and their kin: assign, and give attributes. Return the names that children now see."""
    options, names = "", []
    for item in command.assigns:
        assign(item, scope, runner)
        names.append(item.name)
    for words in expand_words(command.words, scope, runner):
        for word in map(plain, words):
            name, equals, value = word.partition("=")
            if word.startswith(("-", "+")):
                options += word[1:]
            elif re.fullmatch(r"\w+", name):
                names.append(name)
                if equals:
                    scope.assign(name, scalar((value,)))
    if "i" in options:
        for name in names:
            runner.evaluate(scope.variables[name].first() if name in scope.variables else (), scope)
    _give(command.keyword, options, names, scope)
    return [name for name in names if name in scope.environment]


def _give(keyword: str, options: str, names: Iterable[str], scope: Scope) -> None:
    for name in names:
        if set(options) & _CHANGING:
            scope.odd.add(name)
            scope.variables[name] = scalar((ANY,))
        if keyword == "export" and "f" in options:
            scope.shared_functions.add(name)
        elif keyword == "export" or "x" in options:
            scope.export(name)


# --- commands --------------------------------------------------------------------------------------------------------


_INPUTS = frozenset({"<", "<<", "<<-", "<<<", "<&", "<>"})
_MOST_TURNS = 16
_COMMANDS = frozenset(
    {"PROMPT_COMMAND", "EDITOR", "VISUAL", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "GIT_PAGER", "PAGER", "GIT_SSH_COMMAND"}
    | {"GIT_EXTERNAL_DIFF", "BROWSER", "MANPAGER", "LESSOPEN", "SUDO_ASKPASS", "SSH_ASKPASS"}
)
_STARTUP_FILES = frozenset({"BASH_ENV", "ENV"})


class Walker:
    """Runs nodes for a shell."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def chain(self, chain: Chain, scope: Scope) -> Texts:
        """Run statements one after another and return all that they may print."""
        return concatenated(*[self.statement(statement, scope) for statement in chain.statements])

    def statement(self, statement: Statement, scope: Scope) -> Texts:
        """Run a command with its redirections and return what goes on to a pipe or a substitution."""
        self._shell.step()
        before = scope.stdin
        outward: list[tuple[Redirect, Texts]] = []
        for redirect in statement.redirects:
            if redirect.operator in _INPUTS:
                scope.stdin = self._input(redirect, scope)
            else:
                outward.append((redirect, expand_text(redirect.word, scope, self._shell)))
        output = self._command(statement.command, scope)
        scope.stdin = before
        for redirect, paths in outward:
            output = self._written(redirect, paths, output, scope)
        return output

    def _input(self, redirect: Redirect, scope: Scope) -> Texts:
        if redirect.body is not None:
            return expand_text(redirect.body, scope, self._shell)
        texts = expand_text(redirect.word, scope, self._shell)
        if redirect.operator == "<<<":
            return concatenated(texts, ("\n",))
        if redirect.operator == "<&":
            return UNKNOWN
        return either(*(self._shell.contents(path, scope) or UNKNOWN for path in texts))

    def _written(self, redirect: Redirect, paths: Texts, output: Texts, scope: Scope) -> Texts:
        """Send output to a file. What goes to another descriptor is still shown somewhere."""
        duplicates = redirect.operator == ">&" and paths[0].strip("-").isdigit()
        if duplicates:
            return output
        if redirect.descriptor not in {"", "1"}:
            for path in paths:
                files.write(path, UNKNOWN, scope)
            return output
        for pipe in redirect.word:
            if isinstance(pipe, ProcessPipe):
                inner = scope.copy()
                inner.stdin = output
                self.chain(pipe.body, inner)
        if any(path.startswith("/dev/") for path in paths):
            return output
        for path in paths:
            files.write(path, output, scope, append=">>" in redirect.operator)
        return NOTHING

    def _command(self, command: Command, scope: Scope) -> Texts:  # noqa: C901, PLR0911 - one case per kind of node
        match command:
            case Simple():
                return self._simple(command, scope)
            case Chain():
                return self.chain(command, scope)
            case If():
                return self._if(command, scope)
            case Pipe():
                return self._pipe(command, scope)
            case Subshell():
                return self._subshell(command, scope)
            case Loop():
                return self._loop(command, scope)
            case Case():
                return self._case(command, scope)
            case Define():
                scope.functions[command.name] = (command.body,)
            case Declare():
                for name in declare(command, scope, self._shell):
                    self._run_setting(name, scope)
            case Test():
                self._test(command, scope)
        return NOTHING

    def _simple(self, command: Simple, scope: Scope) -> Texts:
        if not command.words:
            for item in command.assigns:
                assign(item, scope, self._shell)
            return NOTHING
        lists = expand_words(command.words, scope, self._shell)
        self._shell.stand_at(command.line, command.column)
        with self._environment(command, scope):
            alias = _alias_of(command, scope)
            if alias is None:
                return either(*(output for words in lists for output in self._invoked(words, scope)))
            # Whether aliases are expanded depends on the shell: both ways are taken.
            outputs = [self._aliased(alias, words, scope) for words in lists]
            with self._shell.guessing():
                outputs += [output for words in lists for output in self._invoked(words, scope)]
        return either(*outputs)

    def _invoked(self, words: tuple[str, ...], scope: Scope) -> Iterator[Texts]:
        yield self._shell.invoke(words, scope)
        if len(words) > 1 and words[0] == ANY_WORDS:
            # An unquoted expansion may also vanish; then the next word is the program.
            yield self._shell.invoke((MAYBE + words[1], *words[2:]), scope)

    def _aliased(self, name: str, words: tuple[str, ...], scope: Scope) -> Texts:
        inner = scope.copy()
        text = inner.aliases.pop(name)
        return self._shell.text(f"{text} {quoted_words(words[1:])}", inner)

    @contextmanager
    def _environment(self, command: Simple, scope: Scope) -> Iterator[None]:
        """Let `NAME=value` before a command hold for that command alone."""
        variables, environment = dict(scope.variables), dict(scope.environment)
        for item in command.assigns:
            assign(item, scope, self._shell)
            scope.export(item.name)
            self._run_setting(item.name, scope)
        yield
        for item in command.assigns:
            _put_back(scope.variables, variables, item.name)
            _put_back(scope.environment, environment, item.name)

    def _run_setting(self, name: str, scope: Scope) -> None:
        """Run a variable that is a command of the next program, or a file that a shell reads first."""
        text = scope.environment[name]
        if name in _COMMANDS:
            self._shell.guess(text, scope)
        elif name in _STARTUP_FILES:
            for content in self._shell.contents(text, scope) or ():
                self._shell.guess(content, scope)

    def _subshell(self, command: Subshell, scope: Scope) -> Texts:
        inner = scope.copy()
        output = self.chain(command.body, inner)
        for trap in inner.traps:
            self._shell.text(trap, inner.copy())
        return output

    def _pipe(self, command: Pipe, scope: Scope) -> Texts:
        output = self.statement(command.left, scope.copy())
        right = scope.copy()
        right.stdin = output
        result = self.statement(command.right, right)
        scope.join(right)  # some shells run the last part of a pipe themselves
        return result

    def _if(self, command: If, scope: Scope) -> Texts:
        asked = self.chain(command.condition, scope)
        other = scope.copy()
        output = self.chain(command.then, scope)
        otherwise = self.chain(command.otherwise, other)
        scope.join(other)
        return concatenated(asked, either(output, otherwise))

    def _loop(self, command: Loop, scope: Scope) -> Texts:
        if not command.name:
            return self._turns(command, scope)
        lists = scope.arguments if command.words is None else expand_words(command.words, scope, self._shell)
        words = tuple(dict.fromkeys(word for items in lists for word in items))
        unclear = any(ANY_WORDS in word for word in words)
        if len(lists) > 1 or len(words) > _MOST_TURNS or unclear:
            scope.assign(command.name, scalar(UNKNOWN if unclear else either(words)))
            return self._turns(command, scope)
        outputs: list[Texts] = []
        for word in words:
            scope.assign(command.name, scalar((word,)))
            outputs.append(self._turn(command, scope))
        return concatenated(*outputs)

    def _turn(self, command: Loop, scope: Scope) -> Texts:
        """Run a loop's body once; it may also be left early."""
        before = scope.copy()
        output = concatenated(self.chain(command.condition, scope), self.chain(command.body, scope))
        scope.join(before)
        return output

    def _turns(self, command: Loop, scope: Scope) -> Texts:
        """Run a loop until its variables hold nothing new; those that never settle become unknown."""
        outputs: list[Texts] = []
        for turn in range(4):
            before = dict(scope.variables)
            outputs.append(self._turn(command, scope))
            changed = [name for name, value in scope.variables.items() if before.get(name) != value]
            if not changed:
                break
            if turn == 2:
                for name in changed:
                    scope.assign(name, scalar(UNKNOWN))
        return either(*outputs, concatenated(*outputs))

    def _case(self, command: Case, scope: Scope) -> Texts:
        for word in (command.word, *command.patterns):
            expand_text(word, scope, self._shell)
        ways = [scope.copy() for _ in command.arms]
        outputs = [self.chain(arm, way) for arm, way in zip(command.arms, ways, strict=True)]
        for way in ways:
            scope.join(way)
        return either(NOTHING, *outputs)

    def _test(self, command: Test, scope: Scope) -> None:
        for word in command.words:
            expand_arithmetic(word, scope, self._shell)
        for name in command.sets:
            scope.assign(name, scalar(UNKNOWN))


def _alias_of(command: Simple, scope: Scope) -> str | None:
    first = command.words[0]
    if len(first) == 1 and isinstance(first[0], Text) and not first[0].quoted and first[0].value in scope.aliases:
        return first[0].value
    return None


def _put_back(now: dict[str, Any], before: dict[str, Any], name: str) -> None:
    if name in before:
        now[name] = before[name]
    else:
        now.pop(name, None)
