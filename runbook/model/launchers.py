"""Programs that run what they are given: where the command stands in their words, and which flags carry code."""

from __future__ import annotations

from dataclasses import dataclass

from runbook.model.fields import TESTS, ListOf, Regex, Text, Truth, Whole, key, shape
from runbook.model.line_test import LineTest
from runbook.model.terms import Position

__all__ = ["SHAPES", "Interpreter", "Launcher"]

_FLAGS = ListOf(Text(r"[-/+]{1,2}[A-Za-z0-9][A-Za-z0-9_-]*", "a flag such as --file or -f"), 0)
_NAMES = ListOf(Text(r"[^\s/A-Z]+", "a program's name in lower case, without a path"))
_WORDS = ListOf(Text(r"\S+(?: \S+)*", "a word or a few, such as 'run' or 'compute ssh'"), 0)
_VARIABLES = ListOf(Text(r"[A-Z][A-Z0-9_]*", "the name of a variable of the environment"), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launcher:
    """Programs that start the command in their words, such as `sudo`, `op run` or `kubectl exec`."""

    programs: tuple[str, ...] = key(_NAMES, "The programs that work like this.")
    after: tuple[str, ...] = key(
        _WORDS,
        "Subcommands after which the command comes, such as 'run' or 'compute ssh'. With any other word in front, "
        "nothing is started.",
        default=(),
    )
    value_flags: tuple[str, ...] = key(_FLAGS, "Flags that take a value in the next word.", default=())
    skips: int = key(Whole(), "The number of words between the flags and the command.", default=0)
    needs_dashes: bool = key(Truth(), "The command comes after `--`; without it, nothing is started.", default=False)
    text_flags: tuple[str, ...] = key(_FLAGS, "Flags whose value is a shell line.", default=())
    env_files: tuple[str, ...] = key(
        _FLAGS, "Flags that name a file of NAME=value lines, which the command sees in its environment.", default=()
    )
    sets_variables: bool = key(
        Truth(), "Words such as NAME=value before the command set its environment.", default=False
    )
    is_line: bool = key(Truth(), "The command's words are joined and given to a shell.", default=False)
    reads_input: bool = key(Truth(), "Without a command, it starts a shell, which reads the input.", default=False)
    lines_in: tuple[str, ...] = key(
        ListOf(Regex(1), 0),
        "Regular expressions, matched against each word and the input. The first group is a shell line that it runs.",
        default=(),
    )
    code_in: tuple[str, ...] = key(
        ListOf(Regex(1), 0),
        "The same, but the first group is code of another language, which may start programs.",
        default=(),
    )
    tests: tuple[LineTest, ...] = key(TESTS, "Lines with the verdict that each must get.", default=())
    at: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """Programs that run code of a language other than shell, from a flag, a file or the input."""

    programs: tuple[str, ...] = key(_NAMES, "The programs, without a version: `python` is also python3.12.")
    suffixes: tuple[str, ...] = key(
        ListOf(Text(r"\.[a-z0-9]+", "a suffix such as .py"), 0),
        "Suffixes of files that run as such code if they are started by their name.",
        default=(),
    )
    optional_suffixes: tuple[str, ...] = key(
        ListOf(Text(r"\.[a-z0-9]+", "a suffix such as .py"), 0),
        "Other suffixes that may be missing in the name of a file or a module.",
        default=(),
    )
    main_files: tuple[str, ...] = key(
        ListOf(Text(r"\w+", "a name without its suffix, such as index"), 0),
        "The files that are read if their directory is named, such as index.",
        default=(),
    )
    after: tuple[str, ...] = key(
        _WORDS, "Subcommands that may come before the file, such as 'run'. They may be left out.", default=()
    )
    code_flags: tuple[str, ...] = key(
        _WORDS, "Flags, or a subcommand, whose value is code. Short flags may be combined.", default=()
    )
    module_flags: tuple[str, ...] = key(
        _FLAGS, "Flags that name a module, which is judged as a program of that name: python -m alembic.", default=()
    )
    first_flags: tuple[str, ...] = key(
        _FLAGS, "Flags that name a file whose code runs before the other: node --require FILE.", default=()
    )
    flag_variables: tuple[str, ...] = key(
        _VARIABLES, "Variables of the environment that contain more flags, such as NODE_OPTIONS.", default=()
    )
    value_flags: tuple[str, ...] = key(_FLAGS, "Other flags that take a value in the next word.", default=())
    own: tuple[str, ...] = key(
        _WORDS, "Its own subcommands, and flags such as --check, with which it runs no file.", default=()
    )
    env_files: tuple[str, ...] = key(
        _FLAGS, "Flags that name a file of NAME=value lines, which the code sees in its environment.", default=()
    )
    imports: tuple[str, ...] = key(
        ListOf(Regex(1), 0),
        "Regular expressions, matched against the code without comments. The first group is a file or a module whose "
        "code it runs, too.",
        default=(),
    )
    path_variables: tuple[str, ...] = key(
        _VARIABLES, "Variables of the environment that list the directories of modules, such as PYTHONPATH.", default=()
    )
    has_dotted_modules: bool = key(
        Truth(), "Dots in the name of a module stand for directories, as in Python.", default=False
    )
    comments: tuple[str, ...] = key(
        ListOf(Text(r"\S{1,2}", "the characters that begin a comment, such as # or //"), 0),
        "What begins a comment up to the end of a line. `//` is also `/* … */`.",
        default=(),
    )
    is_shell: bool = key(Truth(), "A command in its code starts a program by its name alone.", default=False)
    tests: tuple[LineTest, ...] = key(TESTS, "Lines with the verdict that each must get.", default=())
    at: Position


SHAPES = (
    shape(Launcher, "launcher", "a launcher", "Programs that start the command in their words."),
    shape(Interpreter, "interpreter", "an interpreter", "Programs that run code of a language other than shell."),
)
"""Launchers and interpreters."""
