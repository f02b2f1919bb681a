"""Run each kind of node, on every path that a real shell may take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from runbook.guard.shell import nodes
from runbook.guard.shell.shell_state import ANY_LIST, Lists, ShellState, Variable, scalar
from runbook.guard.shell.texts import (
    ANY,
    ANY_WORDS,
    MAYBE,
    NOTHING,
    UNKNOWN,
    Texts,
    concatenated,
    either,
    is_whole_unknown,
    plain,
    quoted_words,
    tight,
)
from runbook.guard.shell.words import expand_arithmetic, expand_text, expand_words

if TYPE_CHECKING:
    from runbook.guard.shell.shell_machine import Machine

__all__ = ["Evaluator"]


# --- assignments and declarations ------------------------------------------------------------------------------------


# A loop may append to an array forever.
_MOST_ELEMENTS = 64
_CHANGING = frozenset("inulc")
"""Attributes that change what is assigned later: integer, reference, cases."""


def _assign(item: nodes.Assign, state: ShellState, machine: Machine) -> None:
    """Make one assignment."""
    before = state.variables.get(item.name)
    if isinstance(item.value, nodes.Array):
        lists = expand_words(item.value.elements, state, machine)
        keyed = item.value.keyed or (item.append and before is not None and before.keyed)
        if item.append:
            lists = tuple((*left, *right) for left in before.lists for right in lists) if before else ANY_LIST
            lists = lists if len(lists) <= _MOST_ELEMENTS else ANY_LIST
        state.assign(item.name, Variable(lists, keyed))
        return
    texts = expand_text(item.value, state, machine)
    if item.subscript is not None:
        state.assign(item.name, _with_element(before, expand_text(item.subscript, state, machine), texts))
    elif item.append:
        state.assign(item.name, scalar(concatenated(before.first() if before else UNKNOWN, texts)))
    else:
        state.assign(item.name, scalar(texts))


def _with_element(before: Variable | None, subscript: Texts, texts: Texts) -> Variable:
    """Return an array with one element set, or with one more if it isn't known which."""
    lists: Lists = before.lists if before else ((),)
    keyed = before.keyed if before else False
    # A large index would make a long list of empty elements: `a[999999999]=x`.
    if not keyed and len(subscript) == 1 and subscript[0].isdigit() and int(subscript[0]) < _MOST_ELEMENTS:
        at = int(subscript[0])
        padded = [(*items, *[""] * (at + 1 - len(items))) for items in lists]
        return Variable(tuple((*items[:at], text, *items[at + 1 :]) for items in padded for text in texts))
    return Variable(tuple((*items, text) for items in lists for text in texts), keyed=True)


def _declare(command: nodes.Declare, state: ShellState, machine: Machine) -> list[str]:
    """Run `export`, `declare` and the like: assign, and set attributes. Return the names that children now see."""
    options, names = "", []
    for item in command.assigns:
        _assign(item, state, machine)
        names.append(item.name)
    for words in expand_words(command.words, state, machine):
        for word in map(plain, words):
            name, equals, value = word.partition("=")
            if word.startswith(("-", "+")):
                options += word[1:]
            elif re.fullmatch(r"\w+", name):
                names.append(name)
                if equals:
                    state.assign(name, scalar((value,)))
    for name in names:
        _give(command.keyword, options, name, state, machine)
    return [name for name in names if name in state.environment]


def _give(keyword: str, options: str, name: str, state: ShellState, machine: Machine) -> None:
    """Set attributes of a name."""
    if "i" in options:  # an integer's value is an expression, whose subscripts run what they substitute
        machine.evaluate(state.variables[name].first() if name in state.variables else (), state)
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
# Variables that contain commands: a shell or a program runs them on its own.
_COMMANDS = frozenset(
    {"PROMPT_COMMAND", "EDITOR", "VISUAL", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "GIT_PAGER", "PAGER", "GIT_SSH_COMMAND"}
    | {"GIT_EXTERNAL_DIFF", "BROWSER", "MANPAGER", "LESSOPEN", "SUDO_ASKPASS", "SSH_ASKPASS"}
)
# Files that bash (BASH_ENV) and sh (ENV) read before anything else.
_STARTUP_FILES = frozenset({"BASH_ENV", "ENV"})


class Evaluator:
    """Runs nodes for a shell."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def chain(self, chain: nodes.Chain, state: ShellState) -> Texts:
        """Run statements one after another and return everything that they may print."""
        return concatenated(*[self.statement(statement, state) for statement in chain.statements])

    def statement(self, statement: nodes.ShellStatement, state: ShellState) -> Texts:
        """Run a command with its redirections and return what goes on to a pipe or a substitution."""
        self._machine.step()
        # Redirections of input apply to this command only. Files that it writes stay written.
        before = state.stdin
        outward: list[tuple[nodes.Redirect, Texts]] = []
        for redirect in statement.redirects:
            if redirect.operator in _INPUTS:
                state.stdin = self._input(redirect, state)
            else:
                outward.append((redirect, expand_text(redirect.word, state, self._machine)))
        output = self._command(statement.command, state)
        state.stdin = before
        for redirect, paths in outward:
            output = self._written(redirect, paths, output, state)
        return output

    def _input(self, redirect: nodes.Redirect, state: ShellState) -> Texts:
        if redirect.body is not None:
            return expand_text(redirect.body, state, self._machine)
        texts = expand_text(redirect.word, state, self._machine)
        if redirect.operator == "<<<":
            return concatenated(texts, ("\n",))
        # Another descriptor: what it was opened on is not followed.
        if redirect.operator == "<&":
            return UNKNOWN
        return either(*(self._machine.input_from(path, state) for path in texts))

    def _written(self, redirect: nodes.Redirect, paths: Texts, output: Texts, state: ShellState) -> Texts:
        """Send output to a file. Output to another descriptor is still shown somewhere."""
        if redirect.operator == ">&" and paths[0].strip("-").isdigit():
            return output
        if redirect.descriptor not in {"", "1"}:
            for path in paths:
                state.write(path, UNKNOWN)
            return output
        for pipe in redirect.word:
            if isinstance(pipe, nodes.ProcessPipe):  # `> >(bash)` feeds what is printed to those commands
                inner = state.copy()
                inner.stdin = output
                self.chain(pipe.body, inner)
        if any(path.startswith("/dev/") for path in paths):
            return output
        for path in paths:
            state.write(path, output, append=">>" in redirect.operator)
        return NOTHING

    def _command(self, command: nodes.Node, state: ShellState) -> Texts:  # noqa: C901, PLR0911, PLR0912 - one case per node
        match command:
            case nodes.Simple():
                return self._simple(command, state)
            case nodes.Chain():
                return self.chain(command, state)
            case nodes.If():
                return self._if(command, state)
            case nodes.Pipe():
                return self._pipe(command, state)
            case nodes.Subshell():
                return self._subshell(command, state)
            case nodes.Loop():
                return self._loop(command, state)
            case nodes.Case():
                return self._case(command, state)
            case nodes.Define():
                state.functions[command.name] = (command.body,)
            case nodes.Declare():
                for name in _declare(command, state, self._machine):
                    self._run_setting(name, state)
            case nodes.Test():
                for word in command.words:
                    expand_arithmetic(word, state, self._machine)
                for name in command.sets:
                    state.assign(name, scalar(UNKNOWN))
        return NOTHING

    def _simple(self, command: nodes.Simple, state: ShellState) -> Texts:
        if not command.words:
            for item in command.assigns:
                _assign(item, state, self._machine)
            return NOTHING
        lists = expand_words(command.words, state, self._machine)
        # After its words, whose substitutions are commands of their own.
        self._machine.stand_at(command.line, command.column)
        first = command.words[0][0] if len(command.words[0]) == 1 else None
        name = first.value if isinstance(first, nodes.TextPart) and not first.quoted else ""
        with self._environment(command, state):
            if name not in state.aliases:
                return either(*(output for words in lists for output in self._invoked(words, state)))
            # Whether aliases are expanded depends on the shell, so follow both paths.
            inner = state.copy()
            text = inner.aliases.pop(name)  # an alias is not expanded within itself
            outputs = [self._machine.text(f"{text} {quoted_words(words[1:])}", inner.copy()) for words in lists]
            with self._machine.guessing():
                outputs += [output for words in lists for output in self._invoked(words, state)]
        return either(*outputs)

    def _invoked(self, words: tuple[str, ...], state: ShellState) -> Iterator[Texts]:
        yield self._machine.invoke(words, state)
        if len(words) > 1 and words[0] == ANY_WORDS:
            # An unquoted expansion may also vanish. Then the next word is the program.
            yield self._machine.invoke((MAYBE + words[1], *words[2:]), state)

    @contextmanager
    def _environment(self, command: nodes.Simple, state: ShellState) -> Iterator[None]:
        """Apply `NAME=value` before a command to that command only."""
        variables, environment = dict(state.variables), dict(state.environment)
        for item in command.assigns:
            _assign(item, state, self._machine)
            state.export(item.name)
            self._run_setting(item.name, state)
        yield
        # Restore only these names. What the command itself sets, as `read` does, stays.
        for name in {item.name for item in command.assigns}:
            for now, before in ((state.variables, variables), (state.environment, environment)):
                cast("dict[str, Any]", now).pop(name, None)
                cast("dict[str, Any]", now).update({name: before[name]} if name in before else {})

    def _run_setting(self, name: str, state: ShellState) -> None:
        """Run a variable that is a command of the next program, or a file that a shell reads first."""
        text = state.environment[name]
        if name in _COMMANDS:
            self._machine.guess(text, state)
        elif name in _STARTUP_FILES:
            for content in self._machine.contents(text, state) or ():
                self._machine.guess(content, state)

    def _subshell(self, command: nodes.Subshell, state: ShellState) -> Texts:
        inner = state.copy()
        output = self.chain(command.body, inner)
        # A subshell has its own EXIT trap, and runs it when it ends.
        for trap in inner.traps:
            self._machine.text(trap, inner.copy())
        return output

    def _pipe(self, command: nodes.Pipe, state: ShellState) -> Texts:
        output = self.statement(command.left, state.copy())
        right = state.copy()
        right.stdin = output
        result = self.statement(command.right, right)
        state.join(right)  # some shells run the last part of a pipe themselves
        return result

    def _if(self, command: nodes.If, state: ShellState) -> Texts:
        asked, other = self._condition(command.condition, state)
        output = self.chain(command.then, state)
        otherwise = self.chain(command.otherwise, other)
        state.join(other)
        return concatenated(asked, either(output, otherwise))

    def _condition(self, condition: nodes.Chain, state: ShellState) -> tuple[Texts, ShellState]:
        """Run a condition. The state is then that after it succeeded; return its output and the state if it failed."""
        last = condition.statements[-1] if len(condition.statements) == 1 else None
        inner = last.command if last is not None and not last.redirects else None
        if not isinstance(inner, nodes.If) or inner.otherwise.statements:
            return self.chain(condition, state), state.copy()
        # In `a && b && c`, c only runs in the state that a and b leave.
        asked, failed = self._condition(inner.condition, state)
        output = self.chain(inner.then, state)
        failed.join(state.copy())
        return concatenated(asked, output), failed

    def _loop(self, command: nodes.Loop, state: ShellState) -> Texts:
        if not command.name:
            return self._turns(command, state)
        lists = state.arguments if command.words is None else expand_words(command.words, state, self._machine)
        words = tuple(dict.fromkeys(word for items in lists for word in items))
        unclear = any(ANY_WORDS in word for word in words)
        if len(lists) > 1 or len(words) > _MOST_TURNS or unclear:
            # Such a word may become any words, or names of files that fit it: `scripts/*.sh`.
            fitting = tuple(tight(word) for word in words if not is_whole_unknown(word))
            state.assign(command.name, scalar(either(UNKNOWN, fitting) if unclear else either(words)))
            return self._turns(command, state)
        outputs: list[Texts] = []
        for word in words:
            state.assign(command.name, scalar((word,)))
            outputs.append(self._turn(command, state))
        return concatenated(*outputs)

    def _turn(self, command: nodes.Loop, state: ShellState) -> Texts:
        """Run a loop's body once; it may also be left early."""
        before = state.copy()
        with self._machine.repeating():
            output = concatenated(self.chain(command.condition, state), self.chain(command.body, state))
        state.join(before)
        return output

    def _turns(self, command: nodes.Loop, state: ShellState) -> Texts:
        """Run a loop until its variables get no new values. Those that never settle become unknown."""
        outputs: list[Texts] = []
        for turn in range(4):
            before = dict(state.variables)
            outputs.append(self._turn(command, state))
            changed = [name for name, value in state.variables.items() if before.get(name) != value]
            if not changed:
                break
            # It's still changing, so it counts or collects. Run once more with unknown text in it.
            if turn == 2:
                for name in changed:
                    state.assign(name, scalar(UNKNOWN))
        return either(*outputs, concatenated(*outputs))

    def _case(self, command: nodes.Case, state: ShellState) -> Texts:
        # Nothing is compared: patterns and word only run what they substitute.
        for word in (command.word, *command.patterns):
            expand_text(word, state, self._machine)
        ways = [state.copy() for _ in command.arms]
        outputs = [self.chain(arm, way) for arm, way in zip(command.arms, ways, strict=True)]
        for way in ways:
            state.join(way)
        # Perhaps no arm matches.
        return either(NOTHING, *outputs)
