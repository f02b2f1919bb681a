"""Represent a shell line as values, which both readers produce and the machine runs.

Named tuples, because the guard starts on every command line and they are ten times cheaper to define than dataclasses.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class TextPart(NamedTuple):
    """Characters as they are after quotes are removed. Unquoted ones may still be braces or patterns."""

    value: str
    quoted: bool


class ParameterPart(NamedTuple):
    """`$name`, `${name[subscript]}` or `${name<operator>…}`. `operands` are the words after the operator."""

    name: str
    quoted: bool
    subscript: Word | None = None
    operator: str = ""
    operands: tuple[Word, ...] = ()


class Substitution(NamedTuple):
    """`$(…)` or backquotes: the output of commands."""

    body: Chain
    quoted: bool


class ProcessPipe(NamedTuple):
    """`<(…)` (`reads` is true) or `>(…)`: a path to a running command."""

    body: Chain
    reads: bool


class Opaque(NamedTuple):
    """A part whose text can't be told (arithmetic, a pattern).

    The words inside it still run what they substitute, and `sets` are the variables that it changes.
    """

    inner: tuple[Word, ...]
    sets: tuple[str, ...] = ()


Part: TypeAlias = TextPart | ParameterPart | Substitution | ProcessPipe | Opaque
Word: TypeAlias = tuple[Part, ...]


class Array(NamedTuple):
    """`(a b c)` on the right of an assignment. `keyed` elements name their index, so their order can't be told."""

    elements: tuple[Word, ...]
    keyed: bool


class Assign(NamedTuple):
    """`name=value`, `name+=value` or `name[subscript]=value`."""

    name: str
    value: Word | Array
    append: bool = False
    subscript: Word | None = None


class Redirect(NamedTuple):
    """One redirection. `body` is the text of a heredoc, for which `word` is empty."""

    operator: str
    word: Word
    body: Word | None = None
    descriptor: str = ""


class Simple(NamedTuple):
    """Assignments and words: one command. Lines and columns count from 1."""

    assigns: tuple[Assign, ...]
    words: tuple[Word, ...]
    line: int = 1
    column: int = 1


class Declare(NamedTuple):
    """`export`, `declare`, `local`, `readonly`, `typeset`: assignments, and words that may turn into some."""

    keyword: str
    assigns: tuple[Assign, ...]
    words: tuple[Word, ...]


class Chain(NamedTuple):
    """Statements one after another."""

    statements: tuple[ShellStatement, ...]


class Subshell(NamedTuple):
    """Statements whose assignments don't last: `( … )`, `… &`, `coproc`."""

    body: Chain


class Pipe(NamedTuple):
    """The output of one statement is the input of another."""

    left: ShellStatement
    right: ShellStatement


class If(NamedTuple):
    """A condition and its two ways on; `a && b` and `a || b` too, where `b` may or may not run."""

    condition: Chain
    then: Chain
    otherwise: Chain


class Loop(NamedTuple):
    """`for`, `select`, `while` and `until`. `name` is the variable of the first two; `words` None means `"$@"`."""

    name: str
    words: tuple[Word, ...] | None
    condition: Chain
    body: Chain


class Case(NamedTuple):
    """A word and the arms that may match it; `patterns` are all their words."""

    word: Word
    patterns: tuple[Word, ...]
    arms: tuple[Chain, ...]


class Define(NamedTuple):
    """A function."""

    name: str
    body: ShellStatement


class Test(NamedTuple):
    """`[[ … ]]`, `(( … ))` and `let`: only substitutions in their words run. `sets` are changed variables."""

    words: tuple[Word, ...]
    sets: tuple[str, ...] = ()


Node: TypeAlias = Simple | Declare | Chain | Subshell | Pipe | If | Loop | Case | Define | Test


class ShellStatement(NamedTuple):
    """A command with its redirections."""

    command: Node
    redirects: tuple[Redirect, ...] = ()
